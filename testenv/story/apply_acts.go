package story

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"plumbline/testenv/site"
)

// firstPush: from nothing to a page that is fetched by name.
func (s *Story) firstPush(ctx context.Context) error {
	preview, err := s.Plumb(ctx, "plan", "--dir", s.Path("work"), "--steps")
	if err != nil {
		return err
	}
	s.Say("%s", indent(preview))
	commit, err := s.Push(ctx, "payroll in Boston")
	if err != nil {
		return err
	}
	if err := s.Applied(ctx, commit); err != nil {
		return err
	}
	page, err := s.Fetched(ctx, time.Minute)
	if err != nil {
		return err
	}
	s.Say("   internet$ curl http://payroll.mycompany.com/  →  hostname=%s memory=%s disk.vda=%s", page["hostname"], page["memory"], page["disk.vda"])
	if _, err := s.On(ctx, "internet", "curl", "-sS", "--max-time", "3", "http://payroll.mycompany.com/cgi-bin/write?salaries"); err != nil {
		return err
	}
	if err := s.nothingLeftToDo(ctx); err != nil {
		return err
	}
	return s.restartDaemons(ctx)
}

// restartDaemons: what was applied is still so when every daemon was started anew.
func (s *Story) restartDaemons(ctx context.Context) error {
	for _, d := range []struct{ host, service string }{{"jino0", "libvirtd"}, {"ns1", "knot"}, {"edge1", "keepalived"}, {"edge2", "keepalived"}} {
		if err := s.Lab.Service(d.host, d.service).Restart(); err != nil {
			return err
		}
	}
	s.Say("   libvirtd, knot and both keepalived were restarted")
	if _, err := s.Fetched(ctx, time.Minute); err != nil {
		return err
	}
	return s.nothingLeftToDo(ctx)
}

// nothingLeftToDo: after an apply the plan is empty.
func (s *Story) nothingLeftToDo(ctx context.Context) error {
	out, err := s.Plumb(ctx, "plan", "--detailed-exitcode")
	if err != nil {
		return fmt.Errorf("the plan after the apply is not empty: %w\n%s", err, out)
	}
	s.Say("   plumb plan: nothing to do")
	return nil
}

const second = `package payroll

import "plumbline.internal/schema"

schema.#Topology & {
	volume: "payroll2-disk": {pool: "vmdisks", size: "64Mi", from: "tiny"}
	vm: payroll2: {
		host: "jino0"
		cpu: {now: 1, max: 2}
		memory: {now: "128Mi", max: "256Mi"}
		disks: [{volume: "payroll2-disk"}]
		nics: [{network: "app-boston", address: "10.1.1.13"}]
		ready: {tcp: 80, timeout: "60s"}
		accel: "tcg"
		drift: "heal"
	}
	balancer: payroll: {
		hosts: role: "edge"
		public:  "203.0.113.3"
		port:    80
		network: "app-boston"
		backends: [{address: "10.1.1.12", port: 80}, {address: "10.1.1.13", port: 80}]
		drift: "heal"
	}
}
`

const natLine = `	nat: payroll: {hosts: role: "edge", public: "203.0.113.3", to: "10.1.1.12", network: "app-boston", ports: [80], drift: "heal"}
`

// grow: disk and memory grow under the running guest, and a second VM shares the load.
func (s *Story) grow(ctx context.Context) error {
	before, err := s.Fetched(ctx, time.Minute) // the address may still be moving after keepalived was restarted
	if err != nil {
		return err
	}
	if err := s.Edit("payroll.cue", `size: "64Mi"`, `size: "128Mi"`, `now: "128Mi"`, `now: "192Mi"`, natLine, ""); err != nil {
		return err
	}
	if err := s.Write("second.cue", second); err != nil {
		return err
	}
	preview, err := s.Plumb(ctx, "plan", "--dir", s.Path("work"))
	if err != nil {
		return err
	}
	s.Say("%s", indent(preview))
	commit, err := s.Push(ctx, "payroll grows and gets a sister")
	if err != nil {
		return err
	}
	if err := s.Applied(ctx, commit); err != nil {
		return err
	}
	return s.grown(ctx, before)
}

func (s *Story) grown(ctx context.Context, before map[string]string) error {
	seen := map[string]map[string]string{}
	err := site.Until(ctx, time.Minute, func() error {
		page, err := s.Page(ctx)
		if err == nil {
			seen[page["hostname"]] = page
		}
		if len(seen) < 2 {
			return fmt.Errorf("only %d of two VMs answered (%v)", len(seen), err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	now := seen["payroll"]
	if now == nil {
		return fmt.Errorf("payroll does not answer: %v", seen)
	}
	if now["boot"] != before["boot"] {
		return fmt.Errorf("payroll was rebooted")
	}
	if number(now["disk.vda"]) != 128<<20 {
		return fmt.Errorf("the guest sees a disk of %s bytes", now["disk.vda"])
	}
	if number(now["memory"]) <= number(before["memory"]) {
		return fmt.Errorf("the guest's memory did not grow: %s, was %s", now["memory"], before["memory"])
	}
	s.Say("   both VMs answer; payroll was not rebooted and sees disk.vda=%s memory=%s", now["disk.vda"], now["memory"])
	return nil
}

func number(text string) int64 {
	n, _ := strconv.ParseInt(text, 10, 64)
	return n
}

const forbidden = `package payroll

import "plumbline.internal/schema"

schema.#Topology & {
	nat: audit: {hosts: role: "edge", public: "203.0.113.3", to: "10.1.1.12", network: "app-boston", ports: [{public: 8081, to: 80}]}
	// The name server's ACL lets nobody write this name.
	record: "forbidden.mycompany.com": {zone: "mycompany.com", a: ["203.0.113.3"], ttl: 1}
}
`

// refused: the last step fails in the substrate; what was done before it is undone, and nobody notices.
func (s *Story) refused(ctx context.Context) error {
	before, err := s.Picture(ctx)
	if err != nil {
		return err
	}
	s.client = s.startClient(ctx)
	if err := s.client.steady(ctx, 5); err != nil {
		return err
	}
	if err := s.Write("forbidden.cue", forbidden); err != nil {
		return err
	}
	commit, err := s.Push(ctx, "a name that the server refuses")
	if err != nil {
		return err
	}
	st, err := s.Settled(ctx, commit, 60*time.Second)
	if err != nil {
		return err
	}
	if st.Verdict != "rolled back" {
		return fmt.Errorf("want rolled back, got %+v", st)
	}
	if err := s.told(ctx, "RolledBack", "event", ""); err != nil {
		return err
	}
	after, err := s.Picture(ctx)
	if err != nil {
		return err
	}
	if before != after {
		return fmt.Errorf("the live state is not as before:\n%s\n-----\n%s", before, after)
	}
	if err := s.client.steady(ctx, 5); err != nil {
		return err
	}
	good, err := s.client.lossless()
	if err != nil {
		return err
	}
	s.Say("   rolled back; the live state is as before, and none of %d requests of the client was lost", good)
	return s.parked(ctx)
}

// parked: the failed effect is held and named, and does not stop a later commit.
func (s *Story) parked(ctx context.Context) error {
	out, err := s.Plumb(ctx, "plan")
	if err != nil {
		return err
	}
	s.Say("%s", indent(out))
	commit, err := s.Revert(ctx)
	if err != nil {
		return err
	}
	return s.Applied(ctx, commit)
}

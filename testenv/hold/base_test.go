package hold

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"plumbline/testenv/site"
)

// topology is a package of CUE: names of parts to what they declare. Parts take each other's place by name.
type topology map[string]string

// with gives a topology in which parts are added or take another's place; an empty one leaves.
func (p topology) with(parts ...string) topology {
	out := maps.Clone(p)
	for i := 0; i < len(parts); i += 2 {
		out[parts[i]] = parts[i+1]
		if parts[i+1] == "" {
			delete(out, parts[i])
		}
	}
	return out
}

// ground is what every scenario stands on.
var ground = topology{
	"site": `site: boston: public: ["203.0.113.0/24"]
	host: jino0: {site: "boston", labels: role: "hypervisor"}
	host: edge1: {site: "boston", labels: role: "edge"}
	host: edge2: {site: "boston", labels: role: "edge"}
	host: ns1: {site: "boston", labels: role: "dns"}`,
	"pool": `pool: vmdisks: {hosts: role: "hypervisor", dir: "/var/lib/plumb/pools/vmdisks"}`,
	"network": `bridge: app: {hosts: role: "hypervisor", ports: ["eth1"]}
	network: "app-boston": {hosts: role: "hypervisor", bridge: "app", cidr: "10.1.1.0/24", gateway: "10.1.1.1"}
	address: "jino0-app": {host: "jino0", interface: "app", address: "10.1.1.2/24", network: "app-boston"}
	address: "edge1-app": {host: "edge1", interface: "eth1", address: "10.1.1.3/24", network: "app-boston"}
	address: "edge1-public": {host: "edge1", interface: "eth2", address: "203.0.113.3/24"}`,
	"zone": `zone: "mycompany.com": {host: "ns1", server: "127.0.0.1:53", key: {name: "tsig-boston", secret: "tsig-boston"}}`,
}

// payroll is the application: disk, VM, NAT and record.
var payroll = ground.with(
	"disk", disk("payroll-disk"), "vm", machine("payroll", "payroll-disk", 12, `ready: {tcp: 80, timeout: "60s"}`), "nat", forward("payroll", 80), "record", named("payroll"))

func disk(name string) string {
	return fmt.Sprintf(`volume: %q: {pool: "vmdisks", size: "64Mi", from: "tiny"}`, name)
}

// machine is a VM with an address of the app network.
func machine(name, disk string, last int, more ...string) string {
	return fmt.Sprintf(`vm: %q: {
		host: "jino0"
		cpu: {now: 1, max: 2}
		memory: {now: "128Mi", max: "256Mi"}
		disks: [{volume: %q}]
		nics: [{network: "app-boston", address: "10.1.1.%d"}]
		accel: "tcg"
		%s
	}`, name, disk, last, strings.Join(more, "\n\t\t"))
}

// forward publishes a port of the payroll VM on edge1.
func forward(name string, port int) string {
	return fmt.Sprintf(`nat: %q: {host: "edge1", public: "203.0.113.3", to: "10.1.1.12", network: "app-boston", ports: [{public: %d, to: 80}]}`, name, port)
}

// named is a name that resolves to the public address.
func named(label string) string {
	return fmt.Sprintf(`record: "%s.mycompany.com": {zone: "mycompany.com", a: ["203.0.113.3"], ttl: 1}`, label)
}

// declare makes a topology the content of the work tree.
func (s *scene) declare(p topology) {
	s.t.Helper()
	old, err := filepath.Glob(s.Path("work", "*.cue"))
	if err != nil {
		s.t.Fatal(err)
	}
	for _, file := range old {
		if err := os.Remove(file); err != nil {
			s.t.Fatal(err)
		}
	}
	p = maps.Clone(p)
	if p["pool"] != "" {
		p["image"] = fmt.Sprintf("image: tiny: {hosts: role: \"hypervisor\", source: %q, sha256: %q}", "file://"+s.Image.Path, s.Image.SHA256)
	}
	for part, text := range p {
		text = fmt.Sprintf("package boston\n\nimport \"plumbline.internal/schema\"\n\nschema.#Topology & {\n\t%s\n}\n", text)
		if err := s.Write(part+".cue", text); err != nil {
			s.t.Fatal(err)
		}
	}
}

// push commits a topology and pushes it.
func (s *scene) push(p topology) string {
	s.t.Helper()
	s.declare(p)
	commit, err := s.Push(s.ctx, s.t.Name())
	if err != nil {
		s.t.Fatal(err)
	}
	return commit
}

// apply pushes a topology and wants it applied in full.
func (s *scene) apply(p topology) {
	s.t.Helper()
	if err := s.Applied(s.ctx, s.push(p)); err != nil {
		s.t.Fatalf("%v\n%s", err, s.LogTail())
	}
}

// settle pushes a topology and waits until it was considered to its end.
func (s *scene) settle(p topology, limit time.Duration) site.Status {
	s.t.Helper()
	commit := s.push(p)
	st, err := s.Settled(s.ctx, commit, limit)
	if err != nil {
		s.t.Fatalf("%v\n%s", err, s.LogTail())
	}
	return st
}

// on runs a program on a host.
func (s *scene) on(host string, argv ...string) string {
	s.t.Helper()
	out, err := s.On(s.ctx, host, argv...)
	if err != nil {
		s.t.Fatal(err)
	}
	return out
}

// until waits for a condition.
func (s *scene) until(limit time.Duration, condition func() error) {
	s.t.Helper()
	if err := site.Until(s.ctx, limit, condition); err != nil {
		s.t.Fatalf("%v\n%s", err, s.LogTail())
	}
}

// nothingToDo wants the plan of the head to be empty. Hosts that do not answer in time, for the machine is busy, are asked again.
func (s *scene) nothingToDo() {
	s.t.Helper()
	s.until(time.Minute, func() error {
		out, err := s.Plumb(s.ctx, "plan", "--detailed-exitcode")
		var exit *exec.ExitError
		if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != unseen) {
			s.t.Fatalf("the plan is not empty: %v\n%s", err, out)
		}
		return err
	})
}

// unseen is the exit code of a plan to which something could not be looked at.
const unseen = 10

// again brings the shared site back to the payroll topology, with plumb run following it.
func (s *scene) again() error {
	if !s.Running() {
		if err := s.StartRun(s.ctx); err != nil {
			return err
		}
	}
	s.declare(payroll)
	commit, err := s.Push(s.ctx, "before "+s.t.Name())
	if err != nil {
		return err
	}
	return s.Applied(s.ctx, commit)
}

// settledAs waits until a commit was considered to its end and wants this verdict.
func (s *scene) settledAs(verdict, commit string, limit time.Duration) site.Status {
	s.t.Helper()
	st, err := s.Settled(s.ctx, commit, limit)
	if err == nil && st.Verdict != verdict {
		err = fmt.Errorf("want %s, got %+v", verdict, st)
	}
	if err != nil {
		s.t.Fatalf("%v\n%s", err, s.LogTail())
	}
	return st
}

// told wants a notice about a commit that says all these words.
func (s *scene) told(reason, commit string, words ...string) {
	s.t.Helper()
	all, err := s.Notices()
	if err != nil {
		s.t.Fatal(err)
	}
	var said []string
	for _, n := range all {
		if n.Reason != reason || n.Commit != commit {
			continue
		}
		text := n.Message + " " + fmt.Sprint(n.Details)
		if !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(text, word) }) {
			s.t.Logf("told: %s", text)
			return
		}
		said = append(said, text)
	}
	s.t.Fatalf("no notice %s about %.10s says all of %q, only:\n%s", reason, commit, words, strings.Join(said, "\n"))
}

// parked is the digest of what the head parked, as its plan says.
func (s *scene) parked() string {
	s.t.Helper()
	out, err := s.Plumb(s.ctx, "plan")
	_, rest, found := strings.Cut(out, "plumb resume ")
	if err != nil || !found {
		s.t.Fatalf("the plan names nothing to resume: %v\n%s", err, out)
	}
	return strings.FieldsFunc(rest, func(r rune) bool { return strings.ContainsRune("\" \n)", r) })[0]
}

// release lets what was parked be tried again.
func (s *scene) release(digest string) {
	s.t.Helper()
	if out, err := s.Plumb(s.ctx, "resume", digest); err != nil {
		s.t.Fatalf("%v\n%s", err, out)
	}
}

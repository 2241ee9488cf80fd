package hold

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"plumbline/testenv/lab"
	"plumbline/testenv/site"
)

// mgmt is the address of edge1 that the executor's path goes to: a relay listens there, and the controller's transport
// dials it from ns1, over the laboratory's management network.
const mgmt, relayPort = "10.9.0.21", "7000"

// cutOff is a change that cuts the path, what is there before it and after it was taken back, and how the host shows that it
// is cut.
type cutOff struct {
	name   string
	before []topology // applied one after the other
	change topology
	cut    func(*scene) bool
	lost   string // the instance that a reboot takes away with the change: nothing is left to take back, and a person decides
}

// reached is edge1 with the address that it is reached at.
var reached = topology{
	"site": `site: boston: {}
	host: edge1: {site: "boston"}`,
	"address": reachedAt("eth0", mgmt),
}

func reachedAt(link, address string) string {
	return fmt.Sprintf(`address: "edge1-mgmt": {host: "edge1", interface: %q, address: "%s/24", manage: "adopt"}`, link, address)
}

// overBridge is edge1 reached at an address on a bridge.
func overBridge(ports string) topology {
	return reached.with("bridge", fmt.Sprintf(`bridge: mg: {host: "edge1", ports: [%s]}`, ports), "address", reachedAt("mg", mgmt))
}

var cutOffs = []cutOff{
	{
		"firewall", []topology{reached},
		reached.with("cut", `firewall: cut: {host: "edge1", interfaces: ["eth0"], default: "drop"}`),
		func(s *scene) bool { return strings.Contains(s.on("edge1", "nft", "list", "ruleset"), "plumb_fw") },
		"",
	},
	{
		"address", []topology{reached},
		reached.with("address", reachedAt("eth0", "10.9.0.99")),
		func(s *scene) bool { return !slices.Contains(s.addresses("edge1", "eth0"), mgmt) },
		"",
	},
	{
		"bridge", []topology{overBridge(`"eth0"`).with("address", reachedAt("eth0", mgmt)), overBridge(`"eth0"`)},
		overBridge(`"eth1"`),
		func(s *scene) bool {
			return !strings.Contains(s.on("edge1", "ip", "-j", "link", "show", "eth0"), `"master"`)
		},
		"bridge/mg@edge1",
	},
}

// deadline is when the host takes a change back by itself, in these tests.
const deadline = 5 * time.Second

// TestAChangeThatCutsThePathIsBackByItsDeadline: also when the controller dies meanwhile, or the host.
func TestAChangeThatCutsThePathIsBackByItsDeadline(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	s := onPath(t, ctx)
	if err := s.StartRun(ctx); err != nil {
		t.Fatal(err)
	}
	ends := []struct {
		name string
		end  func(*scene) bool
	}{{"nobody dies", func(*scene) bool { return false }}, {"controller dies", (*scene).controllerDies}, {"host dies", (*scene).hostDies}}
	for _, c := range cutOffs {
		for try, e := range ends {
			t.Run(c.name+"/"+e.name, func(t *testing.T) {
				s := &scene{s.Site, t, ctx}
				s.cutOff(c, try, e.end)
			})
		}
	}
}

// onPath brings up edge1 with a relay, and ns1, from where it is dialled.
func onPath(t *testing.T, ctx context.Context) *scene {
	binary := plumb(t)
	s := newSite(t, ctx, site.Options{
		Settings: fmt.Sprintf("confirm: %q", deadline),
		Change: func(c *lab.Config) {
			c.Hosts = slices.DeleteFunc(c.Hosts, func(h lab.HostConfig) bool { return h.Name != "edge1" && h.Name != "ns1" })
			c.Hosts[0].Daemons = []lab.Service{{Name: "relay", Argv: []string{
				"busybox", "nc", "-ll", "-p", relayPort, "-e", binary, "exec", "--stdio", "--name", "edge1"}}}
		},
	})
	t.Cleanup(func() {
		if err := s.Down(); err != nil {
			t.Error(err)
		}
	})
	s.Transports = fmt.Sprintf(`{hosts: "edge1", argv: [%q, "plumb-lab-enter", %q, "ns1", "--", "busybox", "nc", %q, %q]}, `,
		binary, s.Path("lab"), mgmt, relayPort)
	return s
}

// cutOff pushes the change, and wants the path to be back and the change rolled back, whoever dies meanwhile.
func (s *scene) cutOff(c cutOff, try int, end func(*scene) (rebooted bool)) {
	for i, before := range c.before {
		if try == 0 || i == len(c.before)-1 {
			s.apply(before)
		}
	}
	commit := s.push(c.change)
	s.until(20*time.Second, func() error {
		if !c.cut(s) {
			return fmt.Errorf("the path is not cut")
		}
		return nil
	})
	cut := time.Now()
	rebooted := end(s)
	s.backBy(c, cut, rebooted)
	if !s.Running() {
		if err := s.StartRun(s.ctx); err != nil {
			s.t.Fatal(err)
		}
	}
	if rebooted && c.lost != "" {
		s.lost(c, commit)
		return
	}
	s.settledAs("rolled back", commit, 90*time.Second)
	s.t.Logf("settled %.1f s after the cut", time.Since(cut).Seconds())
	if left := s.waiting(); left != "" {
		s.t.Errorf("still waits for a confirmation: %s", left)
	}
	parked := s.parked()
	s.apply(c.before[len(c.before)-1])
	s.nothingToDo()
	s.release(parked) // for the next one
}

// waiting lists the steps of edge1 that wait for a confirmation.
func (s *scene) waiting() string {
	s.t.Helper()
	return s.on("edge1", "sh", "-c", "cd /var/lib/plumb/exec/confirm 2>/dev/null && ls | grep '[.]json$' || true")
}

// lost wants what a reboot took away to be frozen by nobody: nothing waits for it, and it is made anew when it is declared so that it
// can be reached.
func (s *scene) lost(c cutOff, commit string) {
	s.t.Helper()
	st := s.settledAs("partly applied", commit, 90*time.Second) // the bridge is made; the address, which the boot put on the card, is not moved unasked
	for _, r := range st.Refusals {
		if r.Class != "refused" || !strings.Contains(r.Text, "it is to be adopted and differs: interface") {
			s.t.Errorf("refused: %+v", r)
		}
	}
	if len(st.Refusals) != 1 {
		s.t.Errorf("%d refusals", len(st.Refusals))
	}
	if left := s.waiting(); left != "" {
		s.t.Errorf("still waits for a confirmation: %s", left)
	}
	for _, before := range c.before { // the first has the address where the boot put it
		s.apply(before)
	}
	s.nothingToDo()
}

// controllerDies: nobody but the host's own watcher can take the change back.
func (s *scene) controllerDies() bool {
	s.KillRun()
	return false
}

// hostDies: the watcher is gone too. What the reboot leaves is taken back by the next executor.
func (s *scene) hostDies() bool {
	s.KillRun()
	if err := s.Lab.Kill("edge1"); err != nil {
		s.t.Fatal(err)
	}
	if err := s.Lab.Start("edge1"); err != nil {
		s.t.Fatal(err)
	}
	return true
}

// backBy waits until a cut is mended, a little after its deadline at most.
func (s *scene) backBy(c cutOff, cut time.Time, rebooted bool) {
	s.t.Helper()
	s.until(deadline+10*time.Second, func() error {
		if !rebooted && c.cut(s) { // a kernel that starts anew has neither the change nor what was before
			return fmt.Errorf("the change is still there")
		}
		_, err := s.On(s.ctx, "ns1", "busybox", "nc", "-w", "1", mgmt, relayPort)
		return err
	})
	s.t.Logf("back %.1f s after the cut", time.Since(cut).Seconds())
}

// addresses are the addresses of an interface.
func (s *scene) addresses(host, link string) (all []string) {
	s.t.Helper()
	var found []struct {
		AddrInfo []struct{ Local string } `json:"addr_info"`
	}
	if err := json.Unmarshal([]byte(s.on(host, "ip", "-j", "address", "show", "dev", link)), &found); err != nil {
		s.t.Fatal(err)
	}
	for _, f := range found {
		for _, a := range f.AddrInfo {
			all = append(all, a.Local)
		}
	}
	return all
}

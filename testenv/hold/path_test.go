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

// cutOff is a change that cuts the path, and how the host shows that it is cut.
type cutOff struct {
	name  string
	parts []string
	cut   func(*scene) bool
}

var cutOffs = []cutOff{
	{"firewall", []string{"cut", `firewall: cut: {host: "edge1", interfaces: ["eth0"], default: "drop"}`},
		func(s *scene) bool { return strings.Contains(s.on("edge1", "nft", "list", "ruleset"), "plumb_fw") }},
	{"address", []string{"address", `address: "edge1-mgmt": {host: "edge1", interface: "eth0", address: "10.9.0.99/24"}`},
		func(s *scene) bool { return !slices.Contains(s.addresses("edge1", "eth0"), mgmt) }},
	{"bridge", []string{"cut", `bridge: cut: {host: "edge1", ports: ["eth0"]}`},
		func(s *scene) bool {
			return strings.Contains(s.on("edge1", "ip", "-j", "link", "show", "eth0"), `"master"`)
		}},
}

// deadline is when the host takes a change back by itself, in these tests.
const deadline = 5 * time.Second

// TestAChangeThatCutsThePathIsBackByItsDeadline: also when the controller dies meanwhile, or the host.
func TestAChangeThatCutsThePathIsBackByItsDeadline(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	s := onPath(t, ctx)
	reached := ground.with("site", `site: boston: {}
	host: edge1: {site: "boston"}`, "network", "", "pool", "", "zone", "",
		"address", `address: "edge1-mgmt": {host: "edge1", interface: "eth0", address: "10.9.0.21/24", manage: "adopt"}`)
	if err := s.StartRun(ctx); err != nil {
		t.Fatal(err)
	}
	s.apply(reached)
	for _, c := range cutOffs {
		t.Run(c.name, func(t *testing.T) {
			s := &scene{s.Site, t, ctx}
			s.cutAlone(c, reached)
		})
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

// cutAlone pushes the change and waits until the path is cut and back.
func (s *scene) cutAlone(c cutOff, reached topology) {
	commit := s.push(reached.with(c.parts...))
	s.until(20*time.Second, func() error {
		if !c.cut(s) {
			return fmt.Errorf("the path is not cut")
		}
		return nil
	})
	cut := time.Now()
	s.backBy(c, cut)
	st := s.settledAs("rolled back", commit, 90*time.Second)
	s.t.Logf("settled %.1f s after the cut: %+v", time.Since(cut).Seconds(), st)
	s.apply(reached)
	s.nothingToDo()
}

// backBy waits until a cut is mended, a little after its deadline at most.
func (s *scene) backBy(c cutOff, cut time.Time) {
	s.t.Helper()
	s.until(deadline+3*time.Second, func() error {
		if c.cut(s) {
			return fmt.Errorf("the path is still cut")
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

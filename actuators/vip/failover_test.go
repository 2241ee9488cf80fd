package vip

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"plumbline/actuators"
	"plumbline/actuators/internal/kindtest"
	host "plumbline/reconcile/exec"
	"plumbline/schema"
	"plumbline/testenv/lab"
)

// edgeVariable tells the test that it runs on this host of its lab.
const edgeVariable = "PLUMB_TEST_EDGE"

func edge(name, address string) lab.HostConfig {
	return lab.HostConfig{Name: name, Services: []string{"keepalived"}, NICs: []lab.NIC{{Name: "eth2", Segment: "public", Addresses: []string{address}}}}
}

// shared is the address as the topology gives it to a host.
func shared(name string) *Spec {
	s := Spec{Interface: "eth2", Address: "203.0.113.3/24", VRID: 51, Advert: "200ms"}
	resolve("vip/edge-public", schema.Place{Host: name, Hosts: []string{"edge1", "edge2"}}, &s, actuators.Lookup{})
	return &s
}

// onEdge is what the test does on a host: it brings the address there if it is missing, waits until some host answers, and
// says what is seen.
func onEdge(t *testing.T, name string) {
	b := kindtest.Bench{T: t, Kind: Kind, Host: host.NewMachine(name, host.Dirs{}), At: schema.ID("vip/edge-public").On(name)}
	b.Apply(shared(name), false)
	settled(t, b, shared(name))
	t.Logf("seen: %s", b.Have(shared(name)).Here)
}

func TestAnotherHostTakesOverAndThatIsNoDifference(t *testing.T) {
	if name := os.Getenv(edgeVariable); name != "" {
		onEdge(t, name)
		return
	}
	t.Parallel()
	l := lab.Start(t, lab.Config{Hosts: []lab.HostConfig{
		edge("edge1", "203.0.113.251/24"), edge("edge2", "203.0.113.252/24"),
		{Name: "internet", NICs: []lab.NIC{{Name: "eth2", Segment: "public", Addresses: []string{"203.0.113.254/24"}}}},
	}})
	on := func(name string) string { return runOn(t, l, name) }
	second := make(chan string) // begins first, and gives way
	go func() { second <- on("edge2") }()
	on("edge1")
	if out := <-second; !strings.Contains(out, `"holder":"02:`) {
		t.Errorf("edge2 does not see that edge1 answers: %s", out)
	}
	answers(t, l, "the address")
	holder(t, l, "edge1", true)
	holder(t, l, "edge2", false)

	if err := l.Kill("edge1"); err != nil {
		t.Fatal(err)
	}
	holder(t, l, "edge2", true)
	answers(t, l, "the other host")
	if out := on("edge2"); !strings.Contains(out, `"holds":true`) {
		t.Errorf("edge2 does not see that it holds the address: %s", out)
	}

	if err := l.Start("edge1"); err != nil {
		t.Fatal(err)
	}
	if out := on("edge1"); !strings.Contains(out, `"holder":"02:`) {
		t.Errorf("edge1 is back and does not see that edge2 answers: %s", out)
	}
	holder(t, l, "edge2", true)
	holder(t, l, "edge1", false)
}

func TestKeepalivedTakesAFailback(t *testing.T) {
	within(t, func(b kindtest.Bench) {
		s := spec(func(s *Spec) { s.Failback, s.Advert = "1s", "100ms" })
		b.Apply(s, false)
		settled(t, b, s)
		if out := disk(t, b); !strings.Contains(out, "    preempt_delay 1\n") || strings.Contains(out, "nopreempt") {
			t.Errorf("written:\n%s", out)
		}
	})
}

func runOn(t *testing.T, l *lab.Lab, name string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := l.Command(ctx, name, lab.WithinArgv(t.Name())...)
	cmd.Env = append(os.Environ(), edgeVariable+"="+name)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("on %s: %v\n%s", name, err, out)
	}
	return string(out)
}

func holder(t *testing.T, l *lab.Lab, name string, holds bool) {
	t.Helper()
	eventually(t, name+" holds the address or gives it up", func() bool {
		out, err := l.Exec(context.Background(), name, "ip", "-4", "-o", "addr", "show", "dev", "eth2")
		return err == nil && strings.Contains(out, "203.0.113.3/24") == holds
	})
}

func answers(t *testing.T, l *lab.Lab, who string) {
	t.Helper()
	eventually(t, who+" answers to the internet", func() bool {
		_, err := l.Exec(context.Background(), "internet", "ping", "-c1", "-W1", "203.0.113.3")
		return err == nil
	})
}

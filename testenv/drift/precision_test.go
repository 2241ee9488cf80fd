package drift

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"plumbline/testenv/site"
)

// TestNothingIsToldOfWhatIsNoDrift does on real daemons what goes on in every datacenter, and wants silence.
func TestNothingIsToldOfWhatIsNoDrift(t *testing.T) {
	s := onSite(t)
	before, _ := s.ear.about("")
	s.again(4*time.Second, s.StopRun) // so that a daemon that is started anew on a busy machine is not told as silent
	for _, act := range []struct {
		name string
		do   func()
	}{
		{"a guest reboots", s.guestReboots},
		{"the name server loads its zones anew", func() { s.on("ns1", "knotc reload && knotc zone-reload mycompany.com && knotc -b zone-flush") }},
		{"the name server is started anew", func() { s.restart("ns1", "knot") }},
		{"libvirtd is started anew", func() { s.restart("jino0", "libvirtd") }},
		{"connections are forgotten", func() { s.on("edge1", "conntrack -F 2>/dev/null") }},
		{"somebody else filters packets", func() {
			s.on("edge1", "nft add table ip theirs; nft add chain ip theirs c; nft delete table ip theirs")
		}},
		{"the virtual address moves, and comes back", s.failover},
		{"a lease is renewed", func() {
			for _, life := range []string{"60", "60", "forever"} {
				s.on("edge2", fmt.Sprintf("ip address replace 10.3.0.1/24 dev eth3 valid_lft %s preferred_lft %s", life, life))
			}
		}},
		{"the controller is started anew", func() { s.again(4*time.Second, s.StopRun) }},
		{"the controller is killed and started anew", func() { s.again(4*time.Second, func() error { s.KillRun(); return nil }) }},
		{"nothing happens", s.rest},
	} {
		begun := time.Now()
		act.do()
		t.Logf("%s: %.1f s", act.name, time.Since(begun).Seconds())
		s.quiet(len(before))
		if t.Failed() {
			t.Fatalf("after: %s", act.name)
		}
	}
	if out, err := s.Plumb(s.ctx, "drift", "--detailed-exitcode"); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// guestReboots resets the guest and waits until what it serves is there again.
func (s *scene) guestReboots() {
	s.t.Helper()
	s.on("jino0", "virsh -q reset payroll")
	s.until(func() error {
		_, err := s.On(s.ctx, "edge1", "curl", "-sS", "--max-time", "2", "-o", "/dev/null", "http://10.1.1.12/")
		return err
	})
}

// restart ends a daemon and starts it.
func (s *scene) restart(host, service string) {
	s.t.Helper()
	daemon := s.Lab.Service(host, service)
	for _, act := range []func() error{daemon.Stop, daemon.Start} {
		if err := act(); err != nil {
			s.t.Fatal(err)
		}
	}
}

// failover takes the cable from the host that has the virtual address until the other has it.
func (s *scene) failover() {
	s.t.Helper()
	holds := func(host string) error {
		out, err := s.On(s.ctx, host, "ip", "-o", "address", "show", "dev", "eth2", "to", "203.0.113.3")
		if err == nil && !strings.Contains(out, "203.0.113.3") {
			err = fmt.Errorf("%s does not hold the address", host)
		}
		return err
	}
	one, other := "edge1", "edge2"
	s.until(func() error {
		if holds(one) != nil {
			one, other = other, one
		}
		return holds(one)
	})
	s.on(one, "ip link set eth2 down")
	s.until(func() error { return holds(other) })
	s.on(one, "ip link set eth2 up")
}

// again ends plumb run and starts it with another interval. Then it plans what it follows anew, which would take back what is
// tampered with.
func (s *scene) again(interval time.Duration, end func() error) {
	s.t.Helper()
	err := end()
	if err == nil {
		s.Interval = interval
		err = s.StartRun(s.ctx)
	}
	if err == nil {
		err = s.Applied(s.ctx, shared.head)
	}
	if err != nil {
		s.t.Fatalf("%v\n%s", err, s.LogTail())
	}
}

// rest listens for ten minutes, or in a hurry for two sweeps.
func (s *scene) rest() {
	long := 2 * s.Interval
	if os.Getenv("PLUMB_DRIFT") == "full" {
		long = 10 * time.Minute
	}
	over := time.After(long)
	for {
		all, more := s.ear.about("")
		select {
		case <-over:
			return
		case <-more:
			if now, _ := s.ear.about(""); len(now) > len(all) {
				return
			}
		}
	}
}

func (s *scene) until(condition func() error) {
	s.t.Helper()
	if err := site.Until(s.ctx, within, condition); err != nil {
		s.t.Fatal(err)
	}
}

package hold

import (
	"slices"
	"testing"
	"time"

	"plumbline/testenv/site"
)

// TestEventsAreToldAtOnce: with polling once an hour, whatever is told was told by libvirt, nftables or the kernel.
func TestEventsAreToldAtOnce(t *testing.T) {
	s := onSite(t)
	s.polling(time.Hour)
	t.Cleanup(func() { s.polling(0) })
	for _, e := range []struct{ object, host, command string }{
		{"vm/payroll@jino0", "jino0", "virsh -q destroy payroll"},
		{"nat/payroll@edge1", "edge1", "nft delete element ip plumb forwards '{ 203.0.113.3 . tcp . 80 }'"},
		{"address/edge1-public@edge1", "edge1", "ip address del 203.0.113.3/24 dev eth2"},
	} {
		s.breaks(e.object, e.host, e.command)
	}
	if _, err := s.Plumb(s.ctx, "heal"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Fetched(s.ctx, 30*time.Second); err != nil {
		t.Fatal(err)
	}
	s.nothingToDo()
}

// TestWhatTellsNothingIsPolled: a record that somebody changes is told within the interval.
func TestWhatTellsNothingIsPolled(t *testing.T) {
	s := onSite(t)
	s.breaks("record/payroll.mycompany.com@ns1", "ns1", update(`del payroll.mycompany.com. A\nadd payroll.mycompany.com. 1 A 192.0.2.9`))
	if _, err := s.Plumb(s.ctx, "heal"); err != nil {
		t.Fatal(err)
	}
	s.resolves("payroll.mycompany.com", "203.0.113.3", 10*time.Second)
}

// polling starts plumb run anew with another interval; 0 = the usual one.
func (s *scene) polling(interval time.Duration) {
	s.t.Helper()
	if err := s.StopRun(); err != nil {
		s.t.Fatal(err)
	}
	s.Interval = interval
	if err := s.StartRun(s.ctx); err != nil {
		s.t.Fatal(err)
	}
	s.apply(payroll)
}

// breaks runs a command on a host and waits for the notice of the drift.
func (s *scene) breaks(object, host, command string) {
	s.t.Helper()
	old, err := s.Notices()
	if err != nil {
		s.t.Fatal(err)
	}
	begun := time.Now()
	s.on(host, "sh", "-ec", command)
	for {
		all, err := s.Notices()
		if err != nil {
			s.t.Fatal(err)
		}
		if slices.ContainsFunc(all[len(old):], func(n site.Notice) bool {
			return n.Reason == "DriftDetected" && n.Status == "firing" && n.Object == object
		}) {
			s.t.Logf("%s: told after %d ms", object, time.Since(begun).Milliseconds())
			return
		}
		if time.Since(begun) > 20*time.Second {
			s.t.Fatalf("%s is not told: %+v\n%s", object, all[len(old):], s.LogTail())
		}
		time.Sleep(5 * time.Millisecond)
	}
}

package drift

import (
	"slices"
	"testing"
)

// TestEachFieldIsToldOnce tampers with every declared field on real daemons, by tools that are not ours.
func TestEachFieldIsToldOnce(t *testing.T) {
	s := onSite(t)
	if s.Interval != every {
		s.again(every, s.StopRun)
	}
	s.play(everything())
	if out, err := s.Plumb(s.ctx, "drift", "--detailed-exitcode"); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	all, _ := s.ear.about("")
	for _, n := range all {
		if !slices.ContainsFunc(everything(), func(c chain) bool { return c.object == n.Object }) {
			t.Errorf("nobody touched it: %s", tell(n))
		}
	}
}

func everything() []chain { return slices.Concat(guests, disks, links, packets, names) }

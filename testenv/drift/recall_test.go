package drift

import (
	"slices"
	"testing"
)

// TestEachFieldIsToldOnce tampers with every declared field on real daemons, by tools that are not ours.
func TestEachFieldIsToldOnce(t *testing.T) {
	s := onSite(t)
	s.play(everything())
	all, _ := s.ear.about("")
	for _, n := range all {
		if !slices.ContainsFunc(everything(), func(c chain) bool { return c.object == n.Object }) {
			t.Errorf("nobody touched it: %s", tell(n))
		}
	}
}

func everything() []chain { return slices.Concat(guests, disks, links, packets, names) }

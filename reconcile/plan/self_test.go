package plan_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"plumbline/actuators"
	"plumbline/reconcile/inventory"
	"plumbline/reconcile/plan"
	"plumbline/schema"
)

// selves draws a datacenter and what of it the controller stands on.
func selves(t *rapid.T) (*scene, map[schema.ID]bool) {
	drawn := fates(t)
	s, self := build(drawn), map[schema.ID]bool{}
	for _, f := range drawn {
		if !self[f.ID] {
			self[f.ID] = rapid.IntRange(0, 3).Draw(t, "self") == 0
		}
	}
	s.in.Self = func(c *plan.Change) bool { return self[c.Instance.ID] }
	s.in.Atomic = rapid.IntRange(0, 3).Draw(t, "atomic") == 0
	return s, self
}

// stands tells which lanes need one that the controller stands on, at whatever distance.
func stands(p *plan.Plan) map[int]bool {
	out := map[int]bool{}
	for range p.Lanes {
		for _, l := range p.Lanes {
			out[l.ID] = slices.ContainsFunc(l.Needs, func(need int) bool { return out[need] || p.Lanes[need-1].Self })
		}
	}
	return out
}

func TestWhatTheControllerStandsOnComesLastAndAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, self := selves(t)
		p, err := s.make()
		if err != nil {
			t.Fatal(err)
		}
		follows, reach := stands(p), reachable(p)
		turns := map[int]int{}
		for _, l := range p.Lanes {
			marked := slices.ContainsFunc(l.Objects, func(i schema.Instance) bool { return self[i.ID] })
			switch {
			case l.Self != marked:
				t.Fatalf("lane %d: self %t, want %t", l.ID, l.Self, marked)
			case l.Self != (l.Turn%2 == 1):
				t.Fatalf("lane %d has turn %d", l.ID, l.Turn)
			case !l.Self && !follows[l.ID] && l.Turn != 0:
				t.Fatalf("lane %d needs nothing that the controller stands on, and has turn %d", l.ID, l.Turn)
			case !l.Self && follows[l.ID] && l.Turn == 0:
				t.Fatalf("lane %d needs what the controller stands on, and goes before it", l.ID)
			}
			if l.Self {
				turns[l.Turn]++
			}
			for _, need := range l.Needs {
				if other := p.Lanes[need-1]; other.Turn > l.Turn || l.Self && other.Self && other.Turn == l.Turn {
					t.Fatalf("lane %d of turn %d needs lane %d of turn %d", l.ID, l.Turn, need, other.Turn)
				}
			}
		}
		for turn, n := range turns {
			if n > 1 {
				t.Fatalf("%d lanes have turn %d", n, turn)
			}
		}
		turn := 0
		var earlier string
		for _, step := range p.Steps {
			l := p.Lanes[step.Lane-1]
			if l.Turn < turn {
				t.Fatalf("step %s of turn %d stands behind turn %d", step.ID, l.Turn, turn)
			}
			if l.Self && l.Turn == turn && earlier != "" && !reach[step.ID][earlier] {
				t.Fatalf("%s does not wait for %s, beside which it would run", step.ID, earlier)
			}
			if turn, earlier = l.Turn, ""; l.Self {
				earlier = step.ID
			}
		}
	})
}

// The marks change when things are done, and never what, nor what waits for what.
func TestWhatTheControllerStandsOnIsOrderedAsEverythingElse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, _ := selves(t)
		marked, err := s.make()
		if err != nil {
			t.Fatal(err)
		}
		s.in.Self = nil
		plain, err := s.make()
		if err != nil {
			t.Fatal(err)
		}
		if len(plain.Steps) != len(marked.Steps) {
			t.Fatalf("%d steps and %d", len(plain.Steps), len(marked.Steps))
		}
		reach := reachable(marked)
		stood := map[string]bool{}
		for _, step := range marked.Steps {
			for _, need := range step.Needs {
				if !stood[need] {
					t.Fatalf("%s stands before %s, which it needs", step.ID, need)
				}
			}
			stood[step.ID] = true
		}
		for _, step := range plain.Steps {
			for _, need := range step.Needs {
				if !reach[step.ID][need] {
					t.Fatalf("%s does not wait for %s any more", step.ID, need)
				}
			}
		}
	})
}

// One of a kind: the network of the controller, what stands on it, and what does not.
func TestWhatNeedsWhatTheControllerStandsOnFollowsIt(t *testing.T) {
	s := newScene()
	change := func(name, needs string) {
		s.change(s.declare(at(name), all(needs)), actuators.Create, one(name))
	}
	change("net/own@h1", "")
	change("thing/git@h1", "net/own@h1")
	change("thing/other@h1", "")
	change("thing/user@h1", "net/own@h1")
	change("thing/zz@h1", "thing/git@h1")
	s.in.Self = func(c *plan.Change) bool { return c.Instance.ID == "net/own" || c.Instance.ID == "thing/git" }
	p := s.must(t)
	if got, want := order(p), "thing/other@h1#1 net/own@h1#1 thing/git@h1#1 thing/user@h1#1 thing/zz@h1#1"; got != want {
		t.Errorf("\n%s\n%s", got, want)
	}
	for name, want := range map[string]int{"net/own@h1": 1, "thing/git@h1": 3, "thing/other@h1": 0, "thing/user@h1": 4, "thing/zz@h1": 4} {
		if got := p.Lanes[laneOf(p, name)-1].Turn; got != want {
			t.Errorf("%s has turn %d, want %d", name, got, want)
		}
	}
}

// An address that goes from one object to another goes back as a whole.
func TestAnAddressOfTheControllerChangesHandsInOneLane(t *testing.T) {
	s := newScene()
	held := []schema.Use{{Fact: schema.Fact{Type: "addr", Scope: "lan", Value: "10.0.0.1"}, Exclusive: true}}
	s.in.Inventory[at("thing/old@h1")] = &inventory.Entry{Instance: at("thing/old@h1"), Provides: held}
	s.remove(s.in.Inventory[at("thing/old@h1")], one("away"))
	node := s.declare(at("thing/new@h1"), nil)
	node.Provides = held
	s.change(node, actuators.Create, one("there"))
	s.in.Self = func(c *plan.Change) bool { return c.Instance.ID == "thing/new" }
	p := s.must(t)
	if text := shown(t, p); !strings.Contains(text, "last and alone: the controller stands on it") {
		t.Error(text)
	}
	if len(p.Lanes) != 1 || !p.Lanes[0].Self || order(p) != "thing/old@h1#1 thing/new@h1#1" {
		t.Errorf("%+v, %s", p.Lanes, order(p))
	}
}

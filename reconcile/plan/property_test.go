package plan_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"plumbline/actuators"
	"plumbline/reconcile/plan"
	"plumbline/schema"
)

// fate is what becomes of one instance of a random datacenter.
type fate struct {
	schema.Instance
	old, new []schema.Instance // what it needed, what it needs
	was, is  bool
	steps    int // 0: only the inventory follows
	changed  bool
}

// fates draws a datacenter: instances need earlier ones only, in one of two orders for what was and what is.
func fates(t *rapid.T) []fate { return someFates(t, rapid.IntRange(1, 14).Draw(t, "instances")) }

func someFates(t *rapid.T, n int) []fate {
	out := make([]fate, n)
	for i := range out {
		kind := rapid.SampledFrom([]string{"thing", "thing", "net"}).Draw(t, "kind")
		f := fate{Instance: at(fmt.Sprintf("%s/%02d@h%d", kind, i/2, i%2))}
		f.was, f.is = rapid.Bool().Draw(t, "was"), rapid.Bool().Draw(t, "is")
		f.steps, f.changed = rapid.IntRange(0, 2).Draw(t, "steps"), rapid.Bool().Draw(t, "changed")
		for j := range i {
			if out[j].was && rapid.IntRange(0, 3).Draw(t, "needed") == 0 {
				f.old = append(f.old, out[j].Instance)
			}
			if out[j].is && rapid.IntRange(0, 3).Draw(t, "needs") == 0 {
				f.new = append(f.new, out[j].Instance)
			}
		}
		out[i] = f
	}
	return out
}

// works tells whether the instance has steps in the plan.
func (f fate) works() bool {
	return f.steps > 0 && ((f.is && (f.changed || !f.was)) || (f.was && !f.is))
}

func build(fates []fate) *scene {
	s := newScene()
	for _, f := range fates {
		var steps []actuators.Step
		for n := range f.steps {
			steps = append(steps, one(fmt.Sprintf("%s %d", f.Instance, n)))
		}
		if f.was {
			s.applied(f.Instance, f.old)
		}
		switch {
		case f.is:
			node := s.declare(f.Instance, f.new)
			if f.changed || !f.was {
				s.change(node, map[bool]actuators.Action{true: actuators.Update, false: actuators.Create}[f.was], steps...)
			}
		case f.was:
			s.remove(s.in.Inventory[f.Instance], steps...)
		}
	}
	return s
}

func TestOrderRespectsEdgesAndRemovalIsItsReverse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		drawn := fates(t)
		p, err := build(drawn).make()
		if err != nil {
			t.Fatal(err)
		}
		reach := reachable(p)
		before := func(early, late schema.Instance) {
			if !reach[late.String()+"#1"][early.String()+"#1"] {
				t.Fatalf("%s does not wait for %s:\n%s", late, early, order(p))
			}
		}
		byInstance := map[schema.Instance]fate{}
		for _, f := range drawn {
			byInstance[f.Instance] = f
		}
		for _, f := range drawn {
			for _, need := range closure(f, byInstance, func(f fate) []schema.Instance { return f.new }) {
				if f.is && f.works() && byInstance[need].works() {
					before(need, f.Instance)
				}
			}
			for _, need := range f.old {
				if n := byInstance[need]; f.was && f.works() && !n.is && n.works() {
					before(f.Instance, need)
				}
			}
		}
		stands := map[string]bool{}
		for _, s := range p.Steps {
			for _, need := range s.Needs {
				if !stands[need] {
					t.Fatalf("%s stands before %s, which it needs", s.ID, need)
				}
			}
			stands[s.ID] = true
		}
	})
}

func closure(f fate, all map[schema.Instance]fate, needs func(fate) []schema.Instance) []schema.Instance {
	var out []schema.Instance
	for _, need := range needs(f) {
		out = append(out, need)
		out = append(out, closure(all[need], all, needs)...)
	}
	return out
}

func TestLanesHoldWhatDependsAndWaitInNoCircle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, err := build(fates(t)).make()
		if err != nil {
			t.Fatal(err)
		}
		laneOfStep := map[string]plan.Lane{}
		for _, s := range p.Steps {
			lane := p.Lanes[s.Lane-1]
			laneOfStep[s.ID] = lane
			for _, need := range s.Needs {
				other := laneOfStep[need]
				if other.ID != lane.ID && !slices.Contains(lane.Needs, other.ID) {
					t.Fatalf("%s needs %s, and lane %d does not need lane %d", s.ID, need, lane.ID, other.ID)
				}
				if other.ID != lane.ID && !lane.Ground && !other.Ground && p.Change(s.Instance).Ground == p.Change(laneStep(p, need).Instance).Ground {
					t.Fatalf("%s and %s depend on each other in two lanes", s.ID, need)
				}
			}
		}
		done := map[int]bool{}
		for range p.Lanes {
			for _, l := range p.Lanes {
				if !slices.ContainsFunc(l.Needs, func(n int) bool { return !done[n] }) {
					done[l.ID] = true
				}
			}
		}
		if len(done) != len(p.Lanes) {
			t.Fatalf("lanes wait for each other: %+v", p.Lanes)
		}
	})
}

func laneStep(p *plan.Plan, id string) actuators.Step {
	return p.Steps[slices.IndexFunc(p.Steps, func(s actuators.Step) bool { return s.ID == id })]
}

func TestTheSameInputInAnyOrderGivesTheSameBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		drawn := fates(t)
		first, second := build(drawn), build(drawn)
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		random.Shuffle(len(second.in.Diff.Changes), func(i, j int) {
			c := second.in.Diff.Changes
			c[i], c[j] = c[j], c[i]
		})
		random.Shuffle(len(second.nodes), func(i, j int) { second.nodes[i], second.nodes[j] = second.nodes[j], second.nodes[i] })
		a, errA := first.make()
		b, errB := second.make()
		if errA != nil || errB != nil {
			t.Fatal(errA, errB)
		}
		if order(a) != order(b) || a.EffectDigest != b.EffectDigest || fmt.Sprint(a.Lanes) != fmt.Sprint(b.Lanes) {
			t.Fatalf("%s\n%s", order(a), order(b))
		}
	})
}

func TestUntouchedLanesStayUntouched(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		drawn := fates(t)
		alone, err := build(drawn).make()
		if err != nil {
			t.Fatal(err)
		}
		more := build(drawn)
		more.change(more.declare(at("aaa/x@h9"), nil), actuators.Create, one("x"))
		more.change(more.declare(at("zzz/y@h9"), all("aaa/x@h9")), actuators.Create, one("y"))
		both, err := more.make()
		if err != nil {
			t.Fatal(err)
		}
		var was, is []string
		for _, l := range alone.Lanes {
			was = append(was, l.EffectDigest)
		}
		for _, l := range both.Lanes[1:] {
			is = append(is, l.EffectDigest)
		}
		if !slices.Equal(was, is) {
			t.Fatalf("other lanes changed: %v\n%v", was, is)
		}
	})
}

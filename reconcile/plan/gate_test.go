package plan_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"plumbline/actuators"
	"plumbline/reconcile/inventory"
	"plumbline/reconcile/plan"
	"plumbline/schema"
)

// claims are the facts that one instance provides and needs.
type claims struct{ provides, needs []schema.Fact }

// claimed draws who provides and needs some facts, without a circle: of each fact, the objects before a certain one provide
// it, those after it need it, and that one may do both.
func claimed(t *rapid.T, drawn []fate) []claims {
	out := make([]claims, len(drawn))
	for f := range rapid.IntRange(0, 4).Draw(t, "facts") {
		fact := schema.Fact{Type: "addr", Scope: "public", Value: fmt.Sprint(f)}
		middle := rapid.IntRange(0, len(drawn)/2).Draw(t, "middle")
		for i := range out {
			if i/2 <= middle && rapid.Bool().Draw(t, "provides") {
				out[i].provides = append(out[i].provides, fact)
			}
			if i/2 >= middle && rapid.Bool().Draw(t, "needs") {
				out[i].needs = append(out[i].needs, fact)
			}
		}
	}
	return out
}

// world is a random datacenter with facts: what was, what is, and which facts only one may hold.
type world struct {
	fates   []fate
	was, is []claims
	holds   map[int]schema.Fact // exclusive, now
	held    map[int]schema.Fact // and before
}

func worlds(t *rapid.T) world {
	w := world{fates: someFates(t, rapid.IntRange(8, 24).Draw(t, "instances")), holds: map[int]schema.Fact{}, held: map[int]schema.Fact{}}
	w.busy(rapid.SampledFrom([]string{"any", "comes", "goes", "changes"}).Draw(t, "what happens"))
	w.was, w.is = claimed(t, w.fates), claimed(t, w.fates)
	for f := range rapid.IntRange(0, 3).Draw(t, "exclusive facts") {
		fact := schema.Fact{Type: "addr", Scope: "net", Value: fmt.Sprint(f)}
		w.held[rapid.IntRange(0, len(w.fates)-1).Draw(t, "held")] = fact
		w.holds[rapid.IntRange(0, len(w.fates)-1).Draw(t, "holds")] = fact
	}
	return w
}

// busy lets the same happen to all, so that many stand on both sides of a gate.
func (w world) busy(what string) {
	for i := range w.fates {
		f := &w.fates[i]
		switch what {
		case "comes":
			f.is, f.was, f.old = true, false, nil
		case "goes":
			f.is, f.was, f.new = false, true, nil
		case "changes":
			f.changed = true
		}
		if what != "any" && i%5 != 0 {
			f.steps = max(f.steps, 1)
		}
	}
}

// build makes a plan of it, with facts or with all that they say written out.
func (w world) build(inFacts, oldInventory bool) *scene {
	s := newScene()
	uses := func(facts []schema.Fact, exclusive map[int]schema.Fact, i int) (out []schema.Use) {
		for _, fact := range facts {
			out = append(out, schema.Use{Fact: fact})
		}
		if fact, ok := exclusive[i]; ok {
			out = append(out, schema.Use{Fact: fact, Exclusive: true})
		}
		return out
	}
	for i, f := range w.fates {
		var steps []actuators.Step
		for n := range f.steps {
			steps = append(steps, one(fmt.Sprintf("%s %d", f.Instance, n)))
		}
		if f.was {
			e := s.applied(f.Instance, f.old)
			e.Provides = uses(w.was[i].provides, w.held, i)
			if oldInventory {
				e.After = w.writtenOut(i, f.old, w.was, func(f fate) bool { return f.was })
			} else {
				e.Needs = w.was[i].needs
			}
		}
		switch {
		case f.is:
			after := f.new
			if !inFacts {
				after = w.writtenOut(i, f.new, w.is, func(f fate) bool { return f.is })
			}
			node := s.declare(f.Instance, after)
			node.Provides = uses(w.is[i].provides, w.holds, i)
			if inFacts {
				node.Needs = uses(w.is[i].needs, nil, i)
			}
			if f.changed || !f.was {
				c := s.change(node, map[bool]actuators.Action{true: actuators.Update, false: actuators.Create}[f.was], steps...)
				c.Needs = nil
				if inFacts {
					c.Needs = w.is[i].needs
				}
			}
		case f.was:
			s.remove(s.in.Inventory[f.Instance], steps...)
		}
	}
	return s
}

// writtenOut is what an instance waits for, with all others who provide what it needs.
func (w world) writtenOut(i int, after []schema.Instance, all []claims, there func(fate) bool) []schema.Instance {
	out := slices.Clone(after)
	for _, fact := range all[i].needs {
		for n, other := range w.fates {
			if there(other) && other.ID != w.fates[i].ID && slices.Contains(all[n].provides, fact) {
				out = append(out, other.Instance)
			}
		}
	}
	slices.SortFunc(out, schema.Instance.Compare)
	return slices.Compact(out)
}

// withoutGates is the needs of each step in full, a line each.
func withoutGates(p *plan.Plan) string {
	open := map[string][]string{}
	resolve := func(needs []string) []string {
		var out []string
		for _, need := range needs {
			if steps, gate := open[need]; gate {
				out = append(out, steps...)
			} else {
				out = append(out, need)
			}
		}
		slices.Sort(out)
		return slices.Compact(out)
	}
	for _, g := range p.Gates {
		open[g.ID] = resolve(g.Needs)
	}
	var b strings.Builder
	for _, s := range p.Steps {
		fmt.Fprintln(&b, s.ID, resolve(s.Needs))
	}
	return b.String()
}

func TestGatesSayWhatWrittenOutEdgesSay(t *testing.T) {
	gates, errs, runs := 0, 0, 0
	rapid.Check(t, func(t *rapid.T) {
		w := worlds(t)
		want, wantErr := w.build(false, true).make()
		for _, oldInventory := range []bool{false, true} {
			runs++
			got, err := w.build(true, oldInventory).make()
			if (err != nil) != (wantErr != nil) {
				t.Fatalf("%v, written out: %v", err, wantErr)
			}
			if err != nil {
				errs++
				continue
			}
			gates += len(got.Gates)
			if a, b := withoutGates(want), withoutGates(got); a != b {
				t.Fatalf("old inventory %v: wanted\n%s\ngot\n%s\nof %+v", oldInventory, a, b, got.Gates)
			}
			if a, b := fmt.Sprintf("%+v", want.Lanes), fmt.Sprintf("%+v", got.Lanes); a != b || want.EffectDigest != got.EffectDigest {
				t.Fatalf("old inventory %v: wanted\n%s\ngot\n%s", oldInventory, a, b)
			}
		}
	})
	t.Logf("%d plans, %d gates, %d refused", runs, gates, errs)
	if gates == 0 || errs == 0 || errs == runs {
		t.Errorf("%d plans, %d gates, %d refused: this tries nothing", runs, gates, errs)
	}
}

const public = "addr/public/203.0.113.3"

func facts(texts ...string) (out []schema.Fact) {
	for _, text := range texts {
		var f schema.Fact
		_ = f.UnmarshalText([]byte(text))
		out = append(out, f)
	}
	return out
}

// shared makes mappings that provide a public address and names that need it.
func (s *scene) shared(mappings, names int) {
	for n := range mappings {
		node := s.declare(at(fmt.Sprintf("nat/%d@edge", n)), nil)
		node.Provides = []schema.Use{{Fact: facts(public)[0]}}
		s.change(node, actuators.Create, one("map"))
	}
	for n := range names {
		node := s.declare(at(fmt.Sprintf("record/%d@ns", n)), nil)
		node.Needs = []schema.Use{{Fact: facts(public)[0]}}
		s.change(node, actuators.Create, one("name")).Needs = facts(public)
	}
}

func TestManyWhoWaitForManyWaitAtAGate(t *testing.T) {
	s := newScene()
	s.shared(400, 300)
	p := s.must(t)
	if len(p.Gates) != 1 || p.Gates[0].ID != public || len(p.Gates[0].Needs) != 400 || !slices.IsSorted(p.Gates[0].Needs) || len(p.Lanes) != 1 {
		t.Fatalf("%d gates, %d lanes", len(p.Gates), len(p.Lanes))
	}
	for _, step := range p.Steps[400:] {
		if !slices.Equal(step.Needs, []string{public}) {
			t.Errorf("%s needs %v", step.ID, step.Needs)
		}
	}
}

func TestAGateIsNotWorthFewEdges(t *testing.T) {
	for _, few := range [][2]int{{1, 9}, {9, 1}, {2, 2}} {
		s := newScene()
		s.shared(few[0], few[1])
		if p := s.must(t); len(p.Gates) != 0 || len(p.Steps[few[0]].Needs) != few[0] {
			t.Errorf("%v: %+v", few, p.Gates)
		}
	}
}

// What was applied by a plumb that wrote out all who provided what an entry needed goes in the same order as what names facts.
func TestAnInventoryOfAnOlderPlumbIsRemovedInTheSameOrder(t *testing.T) {
	var orders []string
	for _, file := range []string{"inventory-1.json", "inventory-2.json"} {
		data, err := os.ReadFile(filepath.Join("testdata", file))
		must(t, err)
		var entries []*inventory.Entry
		must(t, json.Unmarshal(data, &entries))
		s := newScene()
		for _, e := range entries {
			s.in.Inventory[e.Instance] = e
			s.remove(e, one("remove"))
		}
		p := s.must(t)
		orders = append(orders, order(p)+"\n"+withoutGates(p)+fmt.Sprintf("%+v", p.Lanes))
		if !strings.Contains(orders[len(orders)-1], "vip/v@e1#1 [record/a@ns#1 record/b@ns#1 record/c@ns#1]\n") {
			t.Errorf("%s: %s", file, orders[len(orders)-1])
		}
	}
	if orders[0] != orders[1] || !strings.HasPrefix(orders[0], "record/a@ns#1 record/b@ns#1 record/c@ns#1 ") {
		t.Errorf("%s\n\n%s", orders[0], orders[1])
	}
}

func TestACircleThroughAGateNamesItsFact(t *testing.T) {
	s := newScene()
	s.shared(3, 3)
	for i, n := range s.nodes { // each mapping refers to a name
		if n.ID.Kind() == "nat" {
			n.After = all("record/1@ns")
			s.in.Diff.Changes[i].After = n.After
		}
	}
	_, err := s.make()
	want := "cannot order the plan: nat/0@edge waits for record/1@ns, record/1@ns waits for addr/public/203.0.113.3 of nat/0@edge; take the change apart into two commits"
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestGatesAreShown(t *testing.T) {
	s := newScene()
	s.shared(3, 2)
	p := s.must(t)
	var b strings.Builder
	must(t, p.WriteMermaid(&b))
	for _, line := range []string{`g1(["addr/public/203.0.113.3"])`, "s1 --> g1", "s3 --> g1", "g1 --> s4", "g1 --> s5"} {
		if !strings.Contains(b.String(), "  "+line+"\n") {
			t.Errorf("no line %s in\n%s", line, b.String())
		}
	}
	if d := p.Document(); len(d.Gates) != 1 || len(d.Gates[0].Needs) != 3 || !slices.Equal(d.Steps[4].Needs, []string{public}) {
		t.Errorf("%+v", d)
	}
}

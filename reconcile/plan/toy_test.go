package plan_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plumbline/actuators"
	"plumbline/reconcile/diff"
	"plumbline/reconcile/inventory"
	"plumbline/reconcile/plan"
	"plumbline/schema"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares a text with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s is not as it was (-update writes it anew):\n%s", name, d)
	}
}

// scene gathers what a plan is made of.
type scene struct {
	objects map[schema.ID]*schema.Object
	list    []*schema.Object
	nodes   []*schema.Node
	in      plan.Input
}

func newScene() *scene {
	return &scene{objects: map[schema.ID]*schema.Object{}, in: plan.Input{
		ID: "p1", CreatedAt: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Base: "base", Inventory: inventory.Inventory{},
	}}
}

func at(text string) schema.Instance { return schema.ParseInstance(text) }

func all(text string) (out []schema.Instance) {
	for word := range strings.FieldsSeq(text) {
		out = append(out, at(word))
	}
	return out
}

// declare puts an instance into the topology.
func (s *scene) declare(i schema.Instance, after []schema.Instance) *schema.Node {
	o := s.objects[i.ID]
	if o == nil {
		o = &schema.Object{ID: i.ID, Pos: schema.Pos{File: "a.cue", Line: 1}}
		s.objects[i.ID], s.list = o, append(s.list, o)
	}
	n := &schema.Node{Instance: i, Object: o, Spec: json.RawMessage(`{"v":1}`), Hash: "h", After: after}
	s.nodes = append(s.nodes, n)
	return n
}

// applied puts an instance into the inventory.
func (s *scene) applied(i schema.Instance, after []schema.Instance) *inventory.Entry {
	e := &inventory.Entry{Instance: i, After: after, Spec: json.RawMessage(`{"v":0}`)}
	s.in.Inventory[i] = e
	return e
}

// change lets a declared instance change in some steps.
func (s *scene) change(n *schema.Node, a actuators.Action, steps ...actuators.Step) *plan.Change {
	c := &plan.Change{Instance: n.Instance, Action: a, Pos: n.Object.Pos, Want: n.Spec, Hash: n.Hash, After: n.After, Provides: n.Provides,
		Entry: &inventory.Entry{Instance: n.Instance, Share: n.Share}, Ground: n.ID.Kind() == "net", Diff: actuators.Diff{Action: a}}
	if e := s.in.Inventory[n.Instance]; e != nil {
		c.Released = e.Provides
	}
	return s.add(c, steps)
}

// remove takes an applied instance away.
func (s *scene) remove(e *inventory.Entry, steps ...actuators.Step) *plan.Change {
	return s.add(&plan.Change{Instance: e.Instance, Action: actuators.Retire, Pos: e.Pos, After: e.After, Released: e.Provides,
		Ground: e.Instance.ID.Kind() == "net", Diff: actuators.Diff{Action: actuators.Retire}}, steps)
}

func (s *scene) add(c *plan.Change, steps []actuators.Step) *plan.Change {
	for _, step := range steps {
		step.Instance, step.Host, step.Version, step.Timeout = c.Instance, c.Instance.Host, 1, 30*time.Second
		if step.Reversal == "" {
			step.Reversal = actuators.Exact
		}
		c.Steps = append(c.Steps, step)
	}
	s.in.Diff.Changes = append(s.in.Diff.Changes, c)
	return c
}

func one(text string) actuators.Step {
	return actuators.NewStep("set", map[string]string{"to": text}, text)
}

func (s *scene) make() (*plan.Plan, error) {
	s.in.Want = schema.NewGraph("c1", slices.Clone(s.list), slices.Clone(s.nodes))
	return plan.Make(s.in)
}

func (s *scene) must(t testing.TB) *plan.Plan {
	t.Helper()
	p, err := s.make()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// order is the steps' IDs in a line.
func order(p *plan.Plan) string {
	var ids []string
	for _, s := range p.Steps {
		ids = append(ids, s.ID)
	}
	return strings.Join(ids, " ")
}

// waits tells whether all steps of one instance come before all of another's, however the steps are run in parallel.
func waits(p *plan.Plan, later, earlier schema.Instance) bool {
	reach := reachable(p)
	for _, l := range p.Steps {
		for _, e := range p.Steps {
			if l.Instance == later && e.Instance == earlier && !reach[l.ID][e.ID] {
				return false
			}
		}
	}
	return true
}

func reachable(p *plan.Plan) map[string]map[string]bool {
	reach := map[string]map[string]bool{}
	for _, s := range p.Steps {
		mine := map[string]bool{}
		for _, need := range s.Needs {
			mine[need] = true
			for deeper := range reach[need] {
				mine[deeper] = true
			}
		}
		reach[s.ID] = mine
	}
	return reach
}

// shown is all that a plan shows.
func shown(t testing.TB, p *plan.Plan) string {
	t.Helper()
	var b strings.Builder
	for _, write := range []func() error{
		func() error { return p.WriteText(&b, plan.Style{Steps: true}) },
		func() error { return p.WriteJSON(&b) },
		func() error { return p.WriteMermaid(&b) },
	} {
		if err := write(); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

func laneOf(p *plan.Plan, i string) int {
	if c := p.Change(at(i)); c != nil {
		return c.Lane
	}
	return -1
}

func refusal(i, class, text string) diff.Refusal {
	return diff.Refusal{Instance: at(i), Class: diff.Class(class), Text: text, Pos: schema.Pos{File: "boston/app.cue", Line: 9, Col: 5}}
}

func words(n int, kind string) (out []schema.Instance) {
	for i := range n {
		out = append(out, at(fmt.Sprintf("%s/%d@h%d", kind, i, i%3)))
	}
	return out
}

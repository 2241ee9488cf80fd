package sim_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"plumbline/actuators"
	"plumbline/actuators/all"
	"plumbline/reconcile/exec"
	"plumbline/schema"
	"plumbline/testenv/conform"
	"plumbline/testenv/sim"
)

// The model passes the suite that real hosts pass, with every kind that changes anything.
func TestEveryKindConformsOnTheModel(t *testing.T) {
	nodes := map[string]*schema.Node{}
	for _, g := range graphs(t) {
		for _, n := range g.Nodes {
			nodes[n.ID.Kind()] = n
		}
	}
	for _, name := range all.Registry().Names() {
		kind, _ := all.Registry().Kind(name)
		if !kind.Changes() {
			continue
		}
		node := nodes[name]
		if node == nil {
			t.Errorf("no example has a %s", name)
			continue
		}
		t.Run(name, func(t *testing.T) {
			w := sim.New(all.Registry(), sim.Options{})
			conform.Run(t, conform.Case{
				Kind: kind, ID: node.ID, At: node.Host, Specs: []any{node.Spec}, Renamed: renamed(kind, node), Patience: 300 * time.Millisecond,
				Dial:       func(ctx context.Context) (exec.Executor, error) { return w.Dial(ctx, node.Host, "") },
				Foreign:    func() { must(t, w.Put(node.Instance, made(t, node), nil)) },
				NotForeign: func() { must(t, w.Destroy(node.Instance)) },
				Sabotage:   []conform.Sabotage{{Name: "destroyed", Do: func() { must(t, w.Destroy(node.Instance)) }}},
				Broken: []conform.Breakage{{Name: "a dead host", Break: func() func() {
					must(t, w.Kill(node.Host))
					return func() { must(t, w.Revive(node.Host)) }
				}}, {Name: "one that cannot be seen", Alone: true, Break: func() func() {
					must(t, w.Fail(node.Host, sim.Fault{ID: node.ID, Verb: "observe", How: sim.Unseen, Times: -1}))
					return func() { must(t, w.Mend(node.Host)) }
				}}},
				Native: func() string {
					picture, err := w.Picture()
					must(t, err)
					return picture
				},
			})
		})
	}
}

// made is the state that an object of a spec has, as another world makes it.
func made(t *testing.T, n *schema.Node) string {
	t.Helper()
	kind, _ := all.Registry().Kind(n.ID.Kind())
	w := sim.New(all.Registry(), sim.Options{})
	conform.Make(t, conform.Case{
		Kind: kind, ID: n.ID, At: n.Host, Specs: []any{n.Spec},
		Dial: func(ctx context.Context) (exec.Executor, error) { return w.Dial(ctx, n.Host, "") },
	})
	thing, err := w.Thing(n.Instance)
	must(t, err)
	return string(thing.State)
}

// graphs are the payroll example and that of every kind.
func graphs(t *testing.T) []*schema.Graph {
	t.Helper()
	var out []*schema.Graph
	load := func(g *schema.Graph, err error) {
		must(t, err)
		out = append(out, g)
	}
	files, err := filepath.Glob("../../actuators/*/example.cue")
	must(t, err)
	for _, file := range files {
		data, err := os.ReadFile(file)
		must(t, err)
		load(schema.Load(context.Background(), one(string(data)), "c", all.Registry()))
	}
	load(schema.Load(context.Background(), payroll(t), "c", all.Registry()))
	return out
}

// renamed is the object under another name, for a kind that renames in place.
func renamed(kind *actuators.Kind, n *schema.Node) *conform.Renamed {
	if _, can := kind.Op(actuators.OpRename); !can {
		return nil
	}
	return &conform.Renamed{ID: schema.MakeID(kind.Name, "other"), Spec: n.Spec}
}

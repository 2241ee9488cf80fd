package main

import (
	"strings"
	"testing"

	"plumbline/actuators"
	"plumbline/reconcile/diff"
	"plumbline/reconcile/plan"
	"plumbline/schema"
)

// publicGraph is two mappings and an address on a host that provide a public address, three names that need it, and a VM that
// alone provides what the mappings need.
func publicGraph() *schema.Graph {
	fact := func(scope, value string) []schema.Use {
		return []schema.Use{{Fact: schema.Fact{Type: "addr", Scope: scope, Value: value}}}
	}
	var objects []*schema.Object
	var nodes []*schema.Node
	add := func(text string, provides, needs []schema.Use) {
		i := schema.ParseInstance(text)
		o := &schema.Object{ID: i.ID, Pos: schema.Pos{File: "a.cue", Line: len(nodes) + 1}, Hosts: []string{i.Host}}
		objects = append(objects, o)
		nodes = append(nodes, &schema.Node{Instance: i, Object: o, Provides: provides, Needs: needs})
	}
	public, guest := fact("public", "203.0.113.3"), fact("app", "10.1.1.12")
	add("nat/a@e", public, guest)
	add("nat/b@e", public, guest)
	add("record/x@ns", nil, public)
	add("record/y@ns", nil, public)
	add("record/z@ns", nil, public)
	add("vip/v@e", public, nil)
	add("vm/m@h", guest, nil)
	nodes[0].After = []schema.Instance{nodes[5].Instance}
	return schema.NewGraph("c", objects, nodes)
}

func TestAFactThatSeveralProvideIsDrawnOnce(t *testing.T) {
	_, edges, _ := strings.Cut(drawn(publicGraph()), "n7[\"vm/m@h\"]\n")
	want := `  n6 --> n1
  n7 -->|"addr/app/10.1.1.12"| n1
  n7 -->|"addr/app/10.1.1.12"| n2
  f1(["addr/public/203.0.113.3"])
  n1 --> f1
  n2 --> f1
  n6 --> f1
  f1 --> n3
  f1 --> n4
  f1 --> n5
`
	if edges != want {
		t.Errorf("got\n%s", edges)
	}
}

func TestExplainTellsWhoProvidesAFactAndWhatOpensAGate(t *testing.T) {
	g := publicGraph()
	var in diff.Result
	for _, n := range g.Nodes {
		step := actuators.NewStep("make", nil, "make it")
		step.Instance, step.Reversal = n.Instance, actuators.Exact
		in.Changes = append(in.Changes, &diff.Change{
			Instance: n.Instance, Action: actuators.Create, Pos: n.Object.Pos, Want: []byte("{}"), After: n.After, Needs: factsOf(n.Needs), Steps: []actuators.Step{step},
		})
	}
	p, err := plan.Make(plan.Input{Want: g, Diff: in})
	if err != nil {
		t.Fatal(err)
	}
	for about, want := range map[string]string{
		"record/x": `+ record/x@ns, declared at a.cue:3:0, lane 1
  needs addr/public/203.0.113.3 of nat/a@e, nat/b@e, vip/v@e
  step record/x@ns#1: make it (exact), waits for addr/public/203.0.113.3
    addr/public/203.0.113.3 is open after nat/a@e#1, nat/b@e#1, vip/v@e#1
`,
		"nat/a": `+ nat/a@e, declared at a.cue:1:0, lane 1
  needs: vip/v@e
  needs addr/app/10.1.1.12 of vm/m@h
  step nat/a@e#1: make it (exact), waits for vip/v@e#1, vm/m@h#1
  addr/public/203.0.113.3 waits for it
`,
	} {
		var b strings.Builder
		explained(g, p, schema.ParseInstance(about)).write(&b, g, p)
		if b.String() != want {
			t.Errorf("got\n%s\nwanted\n%s", &b, want)
		}
	}
}

func factsOf(uses []schema.Use) (facts []schema.Fact) {
	for _, use := range uses {
		facts = append(facts, use.Fact)
	}
	return facts
}

package diff_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"plumbline/actuators"
	"plumbline/reconcile/diff"
	"plumbline/reconcile/inventory"
	"plumbline/schema"
)

// The toys have one field. Words of a scene:
//
//	thing/a@h1=2<disk/d@h1^addr/n/1!adopt
//	instance   v  needs    exclusive fact  flags
//
// Flags of a declaration: adopt, observe, heal, was:NAME, moved (stands elsewhere in its file), protect (of an applied
// entry, too); of an applied entry:
// stuck, retired, heal; of a live thing: foreign (no mark), other (another installation's), retired, hidden (cannot be seen).
type toySpec struct {
	V int `json:"v"`
}

type toyState struct {
	Config toySpec  `json:"config"`
	Status struct{} `json:"status"`
}

func toy(name string, change func(*actuators.Def[toySpec, toyState])) *actuators.Kind {
	d := actuators.Def[toySpec, toyState]{
		Name: name, Where: schema.OnHost,
		Observe: func(context.Context, actuators.Host, actuators.Scope) ([]actuators.Live[toyState], error) {
			return nil, nil
		},
		Diff:  toyDiff,
		Steps: toySteps,
	}
	d.Ops = []actuators.AnyOp{toyOp("set", actuators.Kept), toyOp("retire", actuators.Kept), toyOp("purge", actuators.NoReversal)}
	if change != nil {
		change(&d)
	}
	return actuators.Define(d)
}

func toyOp(name string, r actuators.Reversal) actuators.AnyOp {
	return actuators.Op[toySpec, toySpec, toyState]{
		Name: name, Reversal: r,
		Capture: func(context.Context, actuators.Host, toySpec) (toySpec, error) { return toySpec{}, nil },
		Do:      func(context.Context, actuators.Host, toySpec, toySpec) error { return nil },
		Predict: func(p toySpec, _ *toyState) *toyState { return &toyState{Config: p} },
	}
}

// toyDiff refuses nothing; 13 is a value that Steps refuses, 14 one that it has no step for.
func toyDiff(want *toySpec, have actuators.Have[toyState]) actuators.Diff {
	var d actuators.Diff
	switch {
	case want == nil && have.Here == nil:
		return d
	case want == nil:
		d.Action = actuators.Retire
		return d
	case have.Here == nil && have.Retired != nil:
		d.Action = actuators.Restore
		return d
	case have.Here == nil && len(have.Elsewhere) > 0 && want.V >= 100:
		d.Action = actuators.Migrate
		return d
	case have.Here == nil:
		d.Action = actuators.Create
		return d
	}
	d.Field("v", have.Here.Config.V, want.V, actuators.EffectLive)
	if !have.Owned && want.V < 50 {
		d.Action = actuators.Adopting
	}
	return d.Settle()
}

func toySteps(_ actuators.Subject, d actuators.Diff, want *toySpec, have actuators.Have[toyState]) ([]actuators.Step, error) {
	if d.Action == actuators.Purge {
		return []actuators.Step{actuators.NewStep("purge", have.Retired.Config, "destroy it")}, nil
	}
	if want != nil && want.V == 13 {
		return nil, fmt.Errorf("%w: 13 brings bad luck", actuators.ErrRefused)
	}
	if want != nil && want.V == 14 {
		return nil, nil
	}
	return []actuators.Step{actuators.NewStep("set", want, d.Action.String())}, nil
}

func toys() *actuators.Registry {
	return actuators.NewRegistry(
		toy("thing", renames),
		toy("disk", func(d *actuators.Def[toySpec, toyState]) { d.HoldsData = true; renames(d) }),
		toy("told", func(d *actuators.Def[toySpec, toyState]) {
			d.Remarks = func(was, now toySpec, here bool) []string {
				return []string{fmt.Sprintf("was %d and is now %d, here %t", was.V, now.V, here)}
			}
		}),
		toy("net", func(d *actuators.Def[toySpec, toyState]) { d.Ground = true }),
		toy("bare", func(d *actuators.Def[toySpec, toyState]) {
			d.Unmarked = true
			d.Diff = func(want *toySpec, have actuators.Have[toyState]) actuators.Diff {
				have.Owned = true
				return toyDiff(want, have)
			}
		}),
		toy("plain", func(d *actuators.Def[toySpec, toyState]) { // cannot be adopted
			d.Diff = func(want *toySpec, have actuators.Have[toyState]) actuators.Diff {
				have.Owned = true
				return toyDiff(want, have)
			}
		}),
		toy("seen", func(d *actuators.Def[toySpec, toyState]) { d.Unmarked, d.Ops = true, nil }),
	)
}

// renames lets a kind rename in place, but to 13.
func renames(d *actuators.Def[toySpec, toyState]) {
	d.Ops = append(d.Ops, actuators.Op[toySpec, toySpec, toyState]{
		Name: actuators.OpRename, Reversal: actuators.Exact,
		Capture: func(context.Context, actuators.Host, toySpec) (toySpec, error) { return toySpec{}, nil },
		Do:      func(context.Context, actuators.Host, toySpec, toySpec) error { return nil },
		Undo:    func(context.Context, actuators.Host, toySpec, toySpec) error { return nil },
		Predict: func(p toySpec, _ *toyState) *toyState { return &toyState{Config: p} },
	})
	d.Rename = func(_ actuators.Subject, _ schema.ID, want *toySpec, have actuators.Have[toyState]) ([]actuators.Step, error) {
		if want.V == 13 {
			return nil, fmt.Errorf("%w: 13 brings bad luck", actuators.ErrRefused)
		}
		return []actuators.Step{actuators.NewStep(actuators.OpRename, have.Here.Config, "rename it")}, nil
	}
}

// word is one thing of a scene.
type word struct {
	schema.Instance
	v     int
	needs []schema.Instance
	facts []schema.Use
	flags []string
}

func (w word) is(flag string) bool { return slices.Contains(w.flags, flag) }

func (w word) spec() json.RawMessage { return json.RawMessage(fmt.Sprintf(`{"v":%d}`, w.v)) }

func words(t testing.TB, text string) []word {
	var out []word
	for field := range strings.FieldsSeq(text) {
		flags := strings.Split(field, "!")
		w := word{flags: flags[1:]}
		rest, facts, _ := strings.Cut(flags[0], "^")
		if facts != "" {
			for fact := range strings.SplitSeq(facts, ",") {
				var f schema.Fact
				_ = f.UnmarshalText([]byte(fact))
				w.facts = append(w.facts, schema.Use{Fact: f, Exclusive: true})
			}
		}
		rest, needs, _ := strings.Cut(rest, "<")
		if needs != "" {
			for need := range strings.SplitSeq(needs, ",") {
				w.needs = append(w.needs, schema.ParseInstance(need))
			}
		}
		name, v, ok := strings.Cut(rest, "=")
		if !ok {
			t.Fatalf("the word %q lacks a value", field)
		}
		w.Instance = schema.ParseInstance(name)
		w.v, _ = strconv.Atoi(v)
		out = append(out, w)
	}
	return out
}

const ours = "inst1"

// input makes what Compute is given. Every host and kind of the scene was looked at in full, but those named as unknown
// ("thing@h1") or as looked at in part.
func input(t testing.TB, want, applied, live, unknown, partial string) diff.Input {
	looks := map[schema.Instance]*diff.Look{}
	look := func(i schema.Instance) *diff.Look {
		key := schema.Instance{ID: schema.ID(i.ID.Kind()), Host: i.Host}
		if looks[key] == nil {
			looks[key] = &diff.Look{Host: i.Host, Kind: i.ID.Kind(), All: true}
		}
		return looks[key]
	}
	in := diff.Input{Kinds: toys(), Installation: ours, Inventory: inventory.Inventory{}}
	in.Want = graph(words(t, want), func(w word) { look(w.Instance) })
	for _, w := range words(t, applied) {
		look(w.Instance)
		in.Inventory[w.Instance] = entry(w)
	}
	for _, w := range words(t, live) {
		l := look(w.Instance)
		state, _ := json.Marshal(toyState{Config: toySpec{w.v}})
		seen := actuators.Observed{ID: w.ID, Retired: w.is("retired"), State: state}
		switch {
		case w.is("hidden"):
			seen = actuators.Observed{ID: w.ID, Unknown: "not mounted"}
		case w.is("other"):
			seen.Mark = &actuators.Mark{Installation: "inst2", ID: w.ID}
		case !w.is("foreign"):
			seen.Mark = &actuators.Mark{Installation: ours, ID: w.ID}
		}
		l.Found = append(l.Found, seen)
	}
	for _, u := range strings.Fields(unknown) {
		i := schema.ParseInstance(u)
		look(schema.MakeID(string(i.ID), "").On(i.Host)).Err = "no answer"
	}
	for _, u := range strings.Fields(partial) {
		i := schema.ParseInstance(u)
		look(schema.MakeID(string(i.ID), "").On(i.Host)).All = false
	}
	in.World = diff.NewWorld()
	for _, l := range looks {
		in.World.Add(l)
	}
	return in
}

func graph(all []word, each func(word)) *schema.Graph {
	objects := map[schema.ID]*schema.Object{}
	var list []*schema.Object
	var nodes []*schema.Node
	for _, w := range all {
		each(w)
		o := objects[w.ID]
		if o == nil {
			o = &schema.Object{ID: w.ID, Pos: pos(w), Meta: meta(w), Spec: w.spec()}
			objects[w.ID], list = o, append(list, o)
		}
		o.Hosts = append(o.Hosts, w.Host)
		nodes = append(nodes, &schema.Node{Instance: w.Instance, Object: o, Spec: w.spec(), Hash: schema.Hash(w.spec()), After: w.needs, Provides: w.facts})
	}
	return schema.NewGraph("c1", list, nodes)
}

func pos(w word) schema.Pos {
	p := schema.Pos{File: "a.cue", Line: 1}
	if w.is("moved") {
		p.Line = 7
	}
	return p
}

func meta(w word) schema.Meta {
	var m schema.Meta
	for _, flag := range w.flags {
		was, renamed := strings.CutPrefix(flag, "was:")
		switch {
		case flag == "adopt" || flag == "observe":
			m.Manage = schema.Manage(flag)
		case flag == "heal":
			m.Drift = flag
		case flag == "protect":
			m.Protect = true
		case renamed:
			m.Was = was
		}
	}
	return m
}

func entry(w word) *inventory.Entry {
	e := &inventory.Entry{Instance: w.Instance, Pos: pos(w), Commit: "c0", Spec: w.spec(), Hash: schema.Hash(w.spec()), After: w.needs, Provides: w.facts, Manage: meta(w).Manage, Protect: meta(w).Protect}
	if w.is("stuck") {
		e.Stuck = "undo failed"
	}
	if w.is("retired") {
		e.Retired = &time.Time{}
	}
	if w.is("heal") {
		e.Drift = "heal"
	}
	for _, flag := range w.flags {
		if name, ok := strings.CutPrefix(flag, "once:"); ok {
			e.Was = append(e.Was, name)
		}
	}
	return e
}

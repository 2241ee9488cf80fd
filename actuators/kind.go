package actuators

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"plumbline/schema"
)

// Def defines a kind with its own types: S the declared spec, L the live state. The functions marked pure do no I/O and
// read no clock.
type Def[S, L any] struct {
	Name      string
	Where     schema.Where
	Ground    bool // shared ground: joins no lanes; if it fails, its dependants are blocked
	HoldsData bool // never created again when it is missing, never healed by default
	Unmarked  bool // no mark is possible: the inventory is the mark

	Home     func(s S) schema.ID                                                     // pure: whose hosts it lives on; nil = its own
	Edges    func(s S) []schema.Edge                                                 // pure: references
	Resolve  func(id schema.ID, at schema.Place, s *S, look Lookup) []schema.Problem // pure: fill what comes from referenced objects, under the JSON key "resolved"; nil = nothing
	Provides func(i schema.Instance, s S) []schema.Use                               // pure, on the resolved spec
	Needs    func(i schema.Instance, s S) []schema.Use                               // pure
	Ranges   func(i schema.Instance, s S) []schema.Range                             // pure
	Share    func(i schema.Instance, s S) []string                                   // pure: "nft/edge1", "zone/mycompany.com"
	Audit    func(all []Spec[S], look Lookup) []schema.Problem                       // pure: rules over the whole kind
	Observe  func(ctx context.Context, h Host, sc Scope) ([]Live[L], error)          // all of the scope, what cannot be seen as Unknown, or an error
	Diff     func(want *S, have Have[L]) Diff                                        // pure; want nil = removed; declared fields only, normalised
	Steps    func(sub Subject, d Diff, want *S, have Have[L]) ([]Step, error)        // pure
	Ops      []AnyOp
	Watch    WatchFunc     // nil = polled
	Stamp    StampFunc     // nil = every question is answered by a look
	Import   *Import[S, L] // says what runs as a declaration; nil = cannot

	// Rename gives the steps by which what is there under an earlier name (have, with its mark) gets the object's, OpRename
	// among them; what else differs comes after, by Diff and Steps. Pure; nil = it cannot be renamed in place.
	Rename func(sub Subject, was schema.ID, want *S, have Have[L]) ([]Step, error)

	Remarks func(was, now S, here bool) []string // pure: what the plan must say of a changed declaration that no look can tell; was = as last applied
}

// Spec is one resolved instance of a kind.
type Spec[S any] struct {
	Instance schema.Instance
	Spec     S
}

// Lookup reads the declared spec of another object into a struct of the fields that the reader wants (a kind knows
// another kind's fields by name only), and gives its hosts.
type Lookup struct{ find schema.Lookup }

// Into decodes the object's declared spec into a pointer; unknown fields are ignored.
func (l Lookup) Into(id schema.ID, into any) (hosts []string, ok bool) {
	spec, hosts, ok := l.find(id)
	if !ok || json.Unmarshal(spec, into) != nil {
		return nil, false
	}
	return hosts, true
}

// Kind is a Def with its types erased to JSON. It implements schema.KindInfo.
type Kind struct {
	Name      string
	HoldsData bool
	Unmarked  bool
	Watch     WatchFunc
	Stamp     StampFunc

	where   schema.Where
	ground  bool
	outline func(id schema.ID, spec json.RawMessage) (schema.Outline, error)
	resolve func(id schema.ID, at schema.Place, spec json.RawMessage, look schema.Lookup) (json.RawMessage, schema.Facts, []schema.Problem)
	facts   func(i schema.Instance, spec json.RawMessage) (schema.Facts, error)
	audit   func(all []schema.Declared, look schema.Lookup) []schema.Problem
	observe func(ctx context.Context, h Host, sc Scope) ([]Observed, error)
	diff    func(want json.RawMessage, have HaveJSON) (Diff, error)
	steps   func(sub Subject, d Diff, want json.RawMessage, have HaveJSON) ([]Step, error)
	rename  func(sub Subject, was schema.ID, want json.RawMessage, have HaveJSON) ([]Step, error)
	imports *erasedImport
	remarks func(was, now json.RawMessage, here bool) ([]string, error)
	ops     map[string]*ErasedOp
}

// Where says where its instances live.
func (k *Kind) Where() schema.Where { return k.where }

// Ground tells whether it is shared ground, which joins no lanes.
func (k *Kind) Ground() bool { return k.ground }

// Outline tells home and references of a declared spec.
func (k *Kind) Outline(id schema.ID, spec json.RawMessage) (schema.Outline, error) {
	return k.outline(id, spec)
}

// Resolve fills in what comes from referenced objects, and tells what the instance provides and needs.
func (k *Kind) Resolve(id schema.ID, at schema.Place, spec json.RawMessage, look schema.Lookup) (json.RawMessage, schema.Facts, []schema.Problem) {
	return k.resolve(id, at, spec, look)
}

// Facts tells what an instance provides and needs, from what it was resolved to.
func (k *Kind) Facts(i schema.Instance, resolved json.RawMessage) (schema.Facts, error) {
	return k.facts(i, resolved)
}

// Audit checks rules over all instances of the kind.
func (k *Kind) Audit(all []schema.Declared, look schema.Lookup) []schema.Problem {
	return k.audit(all, look)
}

// Observe reads all of the scope from the machine, or fails.
func (k *Kind) Observe(ctx context.Context, h Host, sc Scope) ([]Observed, error) {
	return k.observe(ctx, h, sc)
}

// Diff compares; want nil = removed.
func (k *Kind) Diff(want json.RawMessage, have HaveJSON) (Diff, error) { return k.diff(want, have) }

// Steps gives the upper halves of the steps that a diff needs, with instance, version, reversal and bounds filled in.
func (k *Kind) Steps(sub Subject, d Diff, want json.RawMessage, have HaveJSON) ([]Step, error) {
	steps, err := k.steps(sub, d, want, have)
	if unknown := k.fill(sub, steps); unknown != nil {
		return nil, unknown
	}
	return steps, err
}

// Rename gives the upper halves of the steps that rename in place what is there under an earlier name, and the state that
// they leave. Have is of that name.
func (k *Kind) Rename(sub Subject, was schema.ID, want json.RawMessage, have HaveJSON) (steps []Step, after json.RawMessage, err error) {
	if steps, err = k.rename(sub, was, want, have); err == nil {
		err = k.fill(sub, steps)
	}
	after = have.Here
	for i := 0; i < len(steps) && err == nil; i++ {
		after, err = k.ops[steps[i].Op].Predict(steps[i].Params, after)
	}
	return steps, after, err
}

// fill adds to steps what their ops say.
func (k *Kind) fill(sub Subject, steps []Step) error {
	for i := range steps {
		op, ok := k.ops[steps[i].Op]
		if !ok {
			return fmt.Errorf("internal error: kind %s plans the unknown op %q", k.Name, steps[i].Op)
		}
		steps[i].Instance = sub.Instance
		steps[i].Version, steps[i].Reversal, steps[i].Timeout, steps[i].Confirm = op.Version, op.Reversal, op.Timeout, op.Confirm
		if steps[i].Host == "" {
			steps[i].Host = sub.Instance.Host
		}
	}
	return nil
}

// Remarks tells what the plan must say of a declaration that changed since it was applied, and no look can tell; here = it is
// where it is declared now.
func (k *Kind) Remarks(was, now json.RawMessage, here bool) ([]string, error) {
	return k.remarks(was, now, here)
}

// Op finds an op by name.
func (k *Kind) Op(name string) (*ErasedOp, bool) {
	op, ok := k.ops[name]
	return op, ok
}

// Ops lists the names of its ops, sorted.
func (k *Kind) Ops() []string { return slices.Sorted(maps.Keys(k.ops)) }

// Purges tells whether the kind sets things aside, and can destroy them for good.
func (k *Kind) Purges() bool { return k.ops[OpPurge] != nil }

// Changes tells whether the kind has ops at all; one without is only observed.
func (k *Kind) Changes() bool { return len(k.ops) > 0 }

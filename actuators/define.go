package actuators

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"plumbline/schema"
)

// Define erases a Def. It panics on a bad one: that is a mistake of ours, seen at every start.
func Define[S, L any](d Def[S, L]) *Kind {
	d.check()
	k := &Kind{Name: d.Name, HoldsData: d.HoldsData, Unmarked: d.Unmarked, Watch: d.Watch, Stamp: d.Stamp, where: d.Where, ground: d.Ground, ops: map[string]*ErasedOp{}}
	for _, any := range d.Ops {
		op := any.erase()
		if _, twice := k.ops[op.Name]; twice {
			panic("internal error: kind " + d.Name + " has the op " + op.Name + " twice")
		}
		k.ops[op.Name] = op
	}
	if purge := k.ops[OpPurge]; (k.ops["retire"] != nil) != (purge != nil) || purge != nil && purge.Reversal != NoReversal {
		panic("internal error: kind " + d.Name + ": what sets aside must also purge, with the reversal none")
	}
	if rename := k.ops[OpRename]; rename != nil && (d.Rename == nil || rename.Reversal != Exact) {
		panic("internal error: kind " + d.Name + ": its op " + OpRename + " needs Rename, and the reversal exact")
	}
	k.outline, k.resolve, k.facts, k.audit = d.eraseOutline, d.eraseResolve, d.eraseFacts, d.eraseAudit
	k.observe, k.diff, k.steps, k.imports = d.eraseObserve, d.eraseDiff, d.eraseSteps, d.Import.erase()
	k.remarks, k.rename = d.eraseRemarks, d.eraseRename
	return k
}

func (d Def[S, L]) check() {
	if d.Name == "" || d.Where == 0 || d.Observe == nil || d.Diff == nil || d.Steps == nil {
		panic(fmt.Sprintf("internal error: kind %q lacks a name, where, observe, diff or steps", d.Name))
	}
	state := reflect.TypeFor[L]()
	if state.Kind() != reflect.Struct {
		panic("internal error: kind " + d.Name + ": the live state is not a struct")
	}
	for i := range state.NumField() {
		tag, _, _ := strings.Cut(state.Field(i).Tag.Get("json"), ",")
		if tag != "config" && tag != "status" {
			panic("internal error: kind " + d.Name + ": the live state has a field beside config and status: " + state.Field(i).Name)
		}
	}
}

func (d Def[S, L]) eraseOutline(_ schema.ID, spec json.RawMessage) (schema.Outline, error) {
	s, err := decode[S](spec)
	if err != nil {
		return schema.Outline{}, err
	}
	var out schema.Outline
	if d.Home != nil {
		out.Home = d.Home(s)
	}
	if d.Edges != nil {
		out.Edges = d.Edges(s)
	}
	return out, nil
}

func (d Def[S, L]) eraseResolve(id schema.ID, at schema.Place, spec json.RawMessage, look schema.Lookup) (json.RawMessage, schema.Facts, []schema.Problem) {
	s, err := decode[S](spec)
	if err != nil {
		return spec, schema.Facts{}, []schema.Problem{{Object: id, Text: err.Error()}}
	}
	if d.Resolve == nil {
		return spec, d.factsOf(id.On(at.Host), s), nil
	}
	problems := d.Resolve(id, at, &s, Lookup{look})
	resolved, err := json.Marshal(s)
	if err != nil {
		problems = append(problems, schema.Problem{Object: id, Text: err.Error()})
	}
	if len(problems) > 0 {
		return resolved, schema.Facts{}, problems
	}
	return resolved, d.factsOf(id.On(at.Host), s), nil
}

func (d Def[S, L]) eraseFacts(i schema.Instance, spec json.RawMessage) (schema.Facts, error) {
	s, err := decode[S](spec)
	if err != nil {
		return schema.Facts{}, err
	}
	return d.factsOf(i, s), nil
}

func (d Def[S, L]) factsOf(i schema.Instance, s S) (f schema.Facts) {
	if d.Provides != nil {
		f.Provides = d.Provides(i, s)
	}
	if d.Needs != nil {
		f.Needs = d.Needs(i, s)
	}
	if d.Ranges != nil {
		f.Ranges = d.Ranges(i, s)
	}
	if d.Share != nil {
		f.Share = d.Share(i, s)
	}
	return f
}

func (d Def[S, L]) eraseAudit(all []schema.Declared, look schema.Lookup) []schema.Problem {
	if d.Audit == nil {
		return nil
	}
	specs := make([]Spec[S], 0, len(all))
	for _, one := range all {
		s, err := decode[S](one.Spec)
		if err != nil {
			return []schema.Problem{{Object: one.Instance.ID, Text: err.Error()}}
		}
		specs = append(specs, Spec[S]{Instance: one.Instance, Spec: s})
	}
	return d.Audit(specs, Lookup{look})
}

func (d Def[S, L]) eraseObserve(ctx context.Context, h Host, sc Scope) ([]Observed, error) {
	lives, err := d.Observe(ctx, h, sc)
	if err != nil {
		return nil, err
	}
	out := make([]Observed, 0, len(lives))
	for _, live := range lives {
		if live.Unknown != "" {
			out = append(out, Observed{ID: live.ID, Unknown: live.Unknown})
			continue
		}
		state, err := json.Marshal(live.State)
		if err != nil {
			return nil, fmt.Errorf("internal error: cannot write the state of %s: %w", live.ID, err)
		}
		out = append(out, Observed{ID: live.ID, Mark: live.Mark, Retired: live.Retired, Aside: live.Aside, State: state})
	}
	return out, nil
}

func (d Def[S, L]) eraseDiff(want json.RawMessage, have HaveJSON) (Diff, error) {
	w, h, err := d.decodeBoth(want, have)
	if err != nil {
		return Diff{}, err
	}
	return d.Diff(w, h), nil
}

func (d Def[S, L]) eraseSteps(sub Subject, diff Diff, want json.RawMessage, have HaveJSON) ([]Step, error) {
	w, h, err := d.decodeBoth(want, have)
	if err != nil {
		return nil, err
	}
	return d.Steps(sub, diff, w, h)
}

func (d Def[S, L]) eraseRename(sub Subject, was schema.ID, want json.RawMessage, have HaveJSON) ([]Step, error) {
	if d.Rename == nil {
		return nil, fmt.Errorf("%w: a %s cannot be renamed in place; keep the old name, or take was out: then %s is taken away and %s is made new",
			ErrRefused, d.Name, was, sub.Instance.ID)
	}
	w, h, err := d.decodeBoth(want, have)
	if err != nil {
		return nil, err
	}
	return d.Rename(sub, was, w, h)
}

func (d Def[S, L]) eraseRemarks(was, now json.RawMessage, here bool) ([]string, error) {
	if d.Remarks == nil {
		return nil, nil
	}
	before, err := decode[S](was)
	if err != nil {
		return nil, err
	}
	after, err := decode[S](now)
	if err != nil {
		return nil, err
	}
	return d.Remarks(before, after, here), nil
}

func (d Def[S, L]) decodeBoth(want json.RawMessage, have HaveJSON) (*S, Have[L], error) {
	h := Have[L]{Mark: have.Mark, Owned: have.Owned, Elsewhere: map[string]*L{}}
	var err error
	if h.Here, err = decodePointer[L](have.Here); err != nil {
		return nil, h, err
	}
	if h.Retired, err = decodePointer[L](have.Retired); err != nil {
		return nil, h, err
	}
	for host, state := range have.Elsewhere {
		if h.Elsewhere[host], err = decodePointer[L](state); err != nil {
			return nil, h, err
		}
	}
	w, err := decodePointer[S](want)
	return w, h, err
}

func decodePointer[T any](data json.RawMessage) (*T, error) {
	if len(data) == 0 {
		return nil, nil
	}
	value, err := decode[T](data)
	return &value, err
}

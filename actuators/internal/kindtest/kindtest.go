// Package kindtest drives one kind through its own verbs, as the engine does, for the tests of that kind. Only tests may
// import it.
package kindtest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"testing"
	"time"

	"plumbline/actuators"
	"plumbline/schema"
)

// Installation is whose marks a bench writes.
const Installation = "0123456789abcdef"

// Bench is one instance of a kind on one host.
type Bench struct {
	T    testing.TB
	Kind *actuators.Kind
	Host actuators.Host
	At   schema.Instance
}

// Done is a step that was done, with what Capture found before it.
type Done struct {
	Step   actuators.Step
	Before json.RawMessage
}

func (b Bench) context() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	b.T.Cleanup(cancel)
	return ctx
}

// Look observes the instance with a spec that tells where to look.
func (b Bench) Look(spec any) (actuators.HaveJSON, error) {
	lives, err := b.Kind.Observe(b.context(), b.Host, actuators.Scope{Targets: []actuators.Target{{ID: b.At.ID, Spec: encode(b.T, spec)}}})
	have := actuators.HaveJSON{}
	for _, live := range lives {
		switch {
		case live.ID != b.At.ID:
		case live.Unknown != "":
			return have, errors.New(live.Unknown)
		case live.Retired:
			have.Retired = live.State
		default:
			have.Here, have.Mark = live.State, live.Mark
			have.Owned = live.Mark != nil && live.Mark.Installation == Installation && live.Mark.ID == b.At.ID
		}
	}
	return have, err
}

// Have observes, and ends the test on an error.
func (b Bench) Have(spec any) actuators.HaveJSON {
	b.T.Helper()
	have, err := b.Look(spec)
	if err != nil {
		b.T.Fatalf("cannot observe: %v", err)
	}
	return have
}

// Diff compares what is wanted with what is there; remove wants it gone.
func (b Bench) Diff(spec any, remove bool) actuators.Diff {
	b.T.Helper()
	d, err := b.Kind.Diff(b.want(spec, remove), b.Have(spec))
	if err != nil {
		b.T.Fatalf("cannot compare: %v", err)
	}
	return d
}

func (b Bench) want(spec any, remove bool) json.RawMessage {
	if remove {
		return nil
	}
	return encode(b.T, spec)
}

// Subject is whom steps are planned for.
func (b Bench) Subject() actuators.Subject {
	return actuators.Subject{Instance: b.At, Mark: actuators.Mark{Installation: Installation, ID: b.At.ID, Hash: "h"}}
}

// Plan gives the steps from what is there to what is wanted.
func (b Bench) Plan(spec any, remove bool) []actuators.Step {
	b.T.Helper()
	steps, err := b.Kind.Steps(b.Subject(), b.Diff(spec, remove), b.want(spec, remove), b.Have(spec))
	if err != nil {
		b.T.Fatalf("cannot plan: %v", err)
	}
	return steps
}

// Try does one step: preflight, capture, do.
func (b Bench) Try(step actuators.Step) (Done, error) {
	op, ok := b.Kind.Op(step.Op)
	if !ok {
		b.T.Fatalf("there is no op %s", step.Op)
	}
	if err := op.Preflight(b.context(), b.Host, step.Params); err != nil {
		return Done{Step: step}, err
	}
	before, err := op.Capture(b.context(), b.Host, step.Params)
	if err != nil {
		return Done{Step: step}, err
	}
	return Done{step, before}, op.Do(b.context(), b.Host, step.Params, before)
}

// Apply plans and does all steps, each twice, and checks that what is seen is what was predicted.
func (b Bench) Apply(spec any, remove bool) []Done {
	b.T.Helper()
	var all []Done
	for _, step := range b.Plan(spec, remove) {
		have := b.Have(spec)
		op, _ := b.Kind.Op(step.Op)
		predicted, err := op.Predict(step.Params, have.Here)
		if err != nil {
			b.T.Fatalf("cannot predict %s: %v", step.Op, err)
		}
		done, err := b.Try(step)
		if err == nil {
			err = op.Do(b.context(), b.Host, step.Params, done.Before)
		}
		if err != nil {
			b.T.Fatalf("step %s: %v", step.Op, err)
		}
		if seen := b.Have(spec).Here; !sameConfig(b.T, predicted, seen) {
			b.T.Fatalf("step %s: predicted %s, seen %s", step.Op, predicted, seen)
		}
		all = append(all, done)
	}
	return all
}

// Undo undoes steps in reverse, each twice.
func (b Bench) Undo(all []Done) {
	b.T.Helper()
	for i := len(all) - 1; i >= 0; i-- {
		for range 2 {
			if err := b.UndoOne(all[i]); err != nil {
				b.T.Fatalf("undo of %s: %v", all[i].Step.Op, err)
			}
		}
	}
}

// UndoOne undoes one step.
func (b Bench) UndoOne(done Done) error {
	op, _ := b.Kind.Op(done.Step.Op)
	return op.Undo(b.context(), b.Host, done.Step.Params, done.Before)
}

// Settled ends the test unless nothing is left to change.
func (b Bench) Settled(spec any) {
	b.T.Helper()
	if d := b.Diff(spec, false); d.Action != actuators.None {
		b.T.Fatalf("still to do: %s %v", d.Action, d.Changes)
	}
}

func sameConfig(t testing.TB, a, b json.RawMessage) bool {
	return bytes.Equal(configOf(t, a), configOf(t, b))
}

func configOf(t testing.TB, state json.RawMessage) []byte {
	if len(state) == 0 {
		return nil
	}
	var half struct{ Config any }
	if err := json.Unmarshal(state, &half); err != nil {
		t.Fatalf("cannot read state: %v", err)
	}
	return encode(t, half.Config)
}

// TwoWays reads a fixture strictly into a spec and back: Go and CUE know the same fields.
func TwoWays[S any](t testing.TB, path string) S {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var s S
	strict := json.NewDecoder(bytes.NewReader(data))
	strict.DisallowUnknownFields()
	if err := strict.Decode(&s); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	var want any
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	if got := encode(t, s); !bytes.Equal(got, encode(t, want)) && !bytes.Equal(canonical(t, got), encode(t, want)) {
		t.Fatalf("%s: read and written it is %s", path, got)
	}
	return s
}

func canonical(t testing.TB, data []byte) []byte {
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	return encode(t, v)
}

func encode(t testing.TB, v any) json.RawMessage {
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

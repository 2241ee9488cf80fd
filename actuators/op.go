package actuators

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// DefaultTimeout bounds an op that declares none.
const DefaultTimeout = 30 * time.Second

// Op is the largest change that the substrate makes atomic. P: what to do. B: what was there before. L: live state.
// Do and Undo are idempotent; Undo must be right after half a Do, reverts its own delta only, and only where the live
// value is still what was captured or what Do wrote (otherwise Stuck).
type Op[P, B, L any] struct {
	Name      string
	Version   int // of P and B as the journal keeps them; 1 at first
	Reversal  Reversal
	Preflight func(ctx context.Context, h Host, p P) error // would Do be accepted? nil = not asked. Changes nothing
	Capture   func(ctx context.Context, h Host, p P) (B, error)
	Do        func(ctx context.Context, h Host, p P, before B) error
	Undo      func(ctx context.Context, h Host, p P, before B) error // nil for Kept and NoReversal
	Predict   func(p P, have *L) *L                                  // pure: have after Do; nil = absent
	Settled   func(l L) (done bool, err error)                       // nil = at once; err = will never come
	Timeout   time.Duration
	Confirm   time.Duration // > 0: the host undoes it alone unless confirmed over a new connection
	// Many does many steps at once. With it Capture, Do and Undo may be nil: they are Many's of one. Nil: one by one, or with
	// Confirm a few side by side, so that all of them wait for one confirmation.
	Many *Many[P, B]
}

// AnyOp is an Op of any types; only Op implements it.
type AnyOp interface {
	erase() *ErasedOp
}

// ErasedOp is an Op with its types erased to JSON.
type ErasedOp struct {
	Name      string
	Version   int
	Reversal  Reversal
	Timeout   time.Duration
	Confirm   time.Duration
	Asks      bool // it has a Preflight; otherwise that only reads the params
	Preflight func(ctx context.Context, h Host, params json.RawMessage) error
	Capture   func(ctx context.Context, h Host, params json.RawMessage) (json.RawMessage, error)
	Do        func(ctx context.Context, h Host, params, before json.RawMessage) error
	Undo      func(ctx context.Context, h Host, params, before json.RawMessage) error
	// Predict gives the state that Do decides, from the state before; nil JSON = absent.
	Predict func(params, have json.RawMessage) (json.RawMessage, error)
	Settled func(state json.RawMessage) (bool, error)
	Many    *ErasedMany // nil = one by one
}

func (o Op[P, B, L]) erase() *ErasedOp {
	o = o.filled()
	o.check()
	e := &ErasedOp{Name: o.Name, Version: max(o.Version, 1), Reversal: o.Reversal, Timeout: o.Timeout, Confirm: o.Confirm}
	e.Asks, e.Many = o.Preflight != nil, o.Many.erase()
	if e.Timeout == 0 {
		e.Timeout = DefaultTimeout
	}
	e.Preflight = func(ctx context.Context, h Host, params json.RawMessage) error {
		p, err := decode[P](params)
		if err != nil || o.Preflight == nil {
			return err
		}
		return o.Preflight(ctx, h, p)
	}
	e.Capture = func(ctx context.Context, h Host, params json.RawMessage) (json.RawMessage, error) {
		p, err := decode[P](params)
		if err != nil {
			return nil, err
		}
		before, err := o.Capture(ctx, h, p)
		if err != nil {
			return nil, err
		}
		return json.Marshal(before)
	}
	e.Do = eraseVerb(o.Do)
	e.Undo = eraseVerb(o.Undo)
	e.Predict = o.erasePredict
	e.Settled = func(state json.RawMessage) (bool, error) {
		if o.Settled == nil || len(state) == 0 {
			return true, nil
		}
		l, err := decode[L](state)
		if err != nil {
			return false, err
		}
		return o.Settled(l)
	}
	return e
}

func (o Op[P, B, L]) check() {
	switch {
	case o.Name == "" || o.Reversal == "" || o.Capture == nil || o.Do == nil || o.Predict == nil:
		panic("internal error: op " + strconv.Quote(o.Name) + " lacks a name, reversal, capture, do or predict")
	case o.Many != nil && (o.Many.Capture == nil || o.Many.Do == nil || (o.Many.Undo == nil) != (o.Undo == nil)):
		panic("internal error: op " + o.Name + " does not do with many all that it does with one")
	case (o.Undo == nil) != (o.Reversal == Kept || o.Reversal == NoReversal):
		panic("internal error: op " + o.Name + ": reversal " + string(o.Reversal) + " and its undo do not agree")
	}
}

func (o Op[P, B, L]) erasePredict(params, have json.RawMessage) (json.RawMessage, error) {
	p, err := decode[P](params)
	if err != nil {
		return nil, err
	}
	var before *L
	if len(have) > 0 {
		l, err := decode[L](have)
		if err != nil {
			return nil, err
		}
		before = &l
	}
	after := o.Predict(p, before)
	if after == nil {
		return nil, nil
	}
	return json.Marshal(after)
}

func eraseVerb[P, B any](verb func(context.Context, Host, P, B) error) func(context.Context, Host, json.RawMessage, json.RawMessage) error {
	if verb == nil {
		return nil
	}
	return func(ctx context.Context, h Host, params, before json.RawMessage) error {
		p, err := decode[P](params)
		if err != nil {
			return err
		}
		b, err := decode[B](before)
		if err != nil {
			return err
		}
		return verb(ctx, h, p, b)
	}
}

func decode[T any](data json.RawMessage) (T, error) {
	var value T
	if len(data) == 0 {
		return value, nil
	}
	err := json.Unmarshal(data, &value)
	var wide *json.UnmarshalTypeError
	if errors.As(err, &wide) && strings.HasPrefix(wide.Value, "number ") { // CUE's numbers have no bounds
		return value, fmt.Errorf("%s is a number that no field of ours can hold", wide.Field)
	}
	if err != nil {
		return value, fmt.Errorf("internal error: cannot read %T: %w", value, err)
	}
	return value, nil
}

func itoa(n int) string { return strconv.Itoa(n) }

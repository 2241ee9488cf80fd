package actuators

import (
	"context"
	"encoding/json"
	"fmt"

	"golang.org/x/sync/errgroup"
)

// DefaultMany is how many steps go into one call of an op whose Many names no limit.
const DefaultMany = 500

// Many is how an op does many of its steps on one host at once, where the substrate takes them together: one transaction,
// one message with hundreds of changes. The items are of different instances and independent of each other: they may be
// done and undone in any order and in any company.
//
// Each function answers item by item what the verb of a single step would say: errs[n] is of all[n], and nil errs are no
// errors. An item that cannot go with the others is parted from them, so that only the culprit fails. An item whose
// outcome nobody knows says ErrTransient, or runs into the end of the context: the engine looks, or calls again.
type Many[P, B any] struct {
	Limit   int // of items in one call; 0 = DefaultMany
	Capture func(ctx context.Context, h Host, all []P) (before []B, errs []error)
	Do      func(ctx context.Context, h Host, all []Item[P, B]) (errs []error)
	Undo    func(ctx context.Context, h Host, all []Item[P, B]) (errs []error) // nil for Kept and NoReversal
}

// Item is one step of many.
type Item[P, B any] struct {
	Params P
	Before B
}

// ErasedMany is a Many with its types erased to JSON. Its functions give an error for each item, in order.
type ErasedMany struct {
	Limit   int
	Capture func(ctx context.Context, h Host, params []json.RawMessage) (before []json.RawMessage, errs []error)
	Do      func(ctx context.Context, h Host, params, before []json.RawMessage) []error
	Undo    func(ctx context.Context, h Host, params, before []json.RawMessage) []error
}

// filled gives an op that is only written for many its verbs for one.
func (o Op[P, B, L]) filled() Op[P, B, L] {
	if o.Many == nil && o.Confirm > 0 {
		o.Many = o.sideBySide()
	}
	if o.Many == nil {
		return o
	}
	if o.Capture == nil && o.Many.Capture != nil {
		o.Capture = func(ctx context.Context, h Host, p P) (B, error) {
			before, errs := o.Many.Capture(ctx, h, []P{p})
			if err := first(errs); err != nil || len(before) != 1 {
				var none B
				return none, err
			}
			return before[0], nil
		}
	}
	if o.Do == nil {
		o.Do = alone(o.Many.Do)
	}
	if o.Undo == nil {
		o.Undo = alone(o.Many.Undo)
	}
	return o
}

const (
	manySideBySide = 4  // of the verbs of an op that takes one at a time
	manyWaiting    = 64 // of its steps under one confirmation
)

// sideBySide is a Many of the verbs for one.
func (o Op[P, B, L]) sideBySide() *Many[P, B] {
	m := &Many[P, B]{Limit: manyWaiting}
	m.Capture = func(ctx context.Context, h Host, all []P) ([]B, []error) {
		before := make([]B, len(all))
		errs := each(len(all), func(n int) (err error) {
			before[n], err = o.Capture(ctx, h, all[n])
			return err
		})
		return before, errs
	}
	m.Do, m.Undo = eachItem(o.Do), eachItem(o.Undo)
	return m
}

func eachItem[P, B any](verb func(context.Context, Host, P, B) error) func(context.Context, Host, []Item[P, B]) []error {
	if verb == nil {
		return nil
	}
	return func(ctx context.Context, h Host, all []Item[P, B]) []error {
		return each(len(all), func(n int) error { return verb(ctx, h, all[n].Params, all[n].Before) })
	}
}

// each runs a verb for all items, a few at a time.
func each(items int, verb func(n int) error) []error {
	errs := make([]error, items)
	var all errgroup.Group
	all.SetLimit(manySideBySide)
	for n := range items {
		all.Go(func() error {
			errs[n] = verb(n)
			return nil
		})
	}
	_ = all.Wait()
	return errs
}

func alone[P, B any](verb func(context.Context, Host, []Item[P, B]) []error) func(context.Context, Host, P, B) error {
	if verb == nil {
		return nil
	}
	return func(ctx context.Context, h Host, p P, before B) error {
		return first(verb(ctx, h, []Item[P, B]{{p, before}}))
	}
}

func first(errs []error) error {
	if len(errs) == 0 {
		return nil
	}
	return errs[0]
}

func (m *Many[P, B]) erase() *ErasedMany {
	if m == nil {
		return nil
	}
	e := &ErasedMany{Limit: m.Limit, Do: eraseMany(m.Do), Undo: eraseMany(m.Undo)}
	if e.Limit <= 0 {
		e.Limit = DefaultMany
	}
	e.Capture = func(ctx context.Context, h Host, params []json.RawMessage) ([]json.RawMessage, []error) {
		out, errs := make([]json.RawMessage, len(params)), make([]error, len(params))
		all, at := readable(errs, func(n int) (P, error) { return decode[P](params[n]) })
		if len(all) == 0 {
			return out, errs
		}
		before, said := m.Capture(ctx, h, all)
		scatter(errs, said, at)
		for k, n := range at {
			switch {
			case errs[n] != nil:
			case k < len(before):
				out[n], errs[n] = json.Marshal(before[k])
			default:
				errs[n] = errAnswers
			}
		}
		return out, errs
	}
	return e
}

func eraseMany[P, B any](verb func(context.Context, Host, []Item[P, B]) []error) func(context.Context, Host, []json.RawMessage, []json.RawMessage) []error {
	if verb == nil {
		return nil
	}
	return func(ctx context.Context, h Host, params, before []json.RawMessage) []error {
		errs := make([]error, len(params))
		all, at := readable(errs, func(n int) (item Item[P, B], err error) {
			if item.Params, err = decode[P](params[n]); err == nil {
				item.Before, err = decode[B](before[n])
			}
			return item, err
		})
		if len(all) > 0 {
			scatter(errs, verb(ctx, h, all), at)
		}
		return errs
	}
}

// readable decodes as many as there are errs, and tells where each of those that can be read stood.
func readable[T any](errs []error, read func(n int) (T, error)) (all []T, at []int) {
	for n := range errs {
		one, err := read(n)
		if errs[n] = err; err == nil {
			all, at = append(all, one), append(at, n)
		}
	}
	return all, at
}

var errAnswers = fmt.Errorf("internal error: %w: there are not as many answers as items", ErrTransient)

func scatter(errs, said []error, at []int) {
	for k, n := range at {
		switch {
		case len(said) == len(at):
			errs[n] = said[k]
		case len(said) > 0:
			errs[n] = errAnswers
		}
	}
}

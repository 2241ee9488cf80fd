package exec

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"plumbline/actuators"
)

// run runs a verb of calls of one op. What changes the host has the locks of their instances: no Undo ever runs beside a Do,
// also not beside one of another connection.
func (l *local) run(ctx context.Context, verb Verb, op *actuators.ErasedOp, group []Call) ([]Answer, error) {
	limit := longest(group, op)
	var lock *held
	if verb != Capture {
		var err error
		if lock, err = l.mayChange(ctx, verb, group, limit); err != nil {
			return nil, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return await(ctx, func(ctx context.Context) ([]Answer, error) {
		if lock != nil {
			defer lock.free()
		}
		l.passing("locked", string(verb), subject(group[0]))
		defer l.passing("unlocking", string(verb), subject(group[0]))
		switch verb {
		case Capture:
			return l.captureAll(ctx, op, group), nil
		case Do:
			return l.doArmed(ctx, op, group), nil
		}
		return l.undoArmed(ctx, op, group), nil
	})
}

func (l *local) captureAll(ctx context.Context, op *actuators.ErasedOp, group []Call) []Answer {
	answers := make([]Answer, len(group))
	if len(group) == 1 {
		answers[0].Before, answers[0].Err = op.Capture(ctx, l.host, group[0].Params)
		return answers
	}
	params, _ := content(group)
	before, errs := op.Many.Capture(ctx, l.host, params)
	for n := range group {
		answers[n] = Answer{before[n], errs[n]}
	}
	return answers
}

// doArmed does steps, under one record if they want a confirmation.
func (l *local) doArmed(ctx context.Context, op *actuators.ErasedOp, group []Call) []Answer {
	answers := make([]Answer, len(group))
	errs := make([]error, len(group))
	if limit := group[0].Confirm; limit > 0 {
		var file string
		if file, errs = l.arm(ctx, group); file != "" {
			defer l.done(file)
		}
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	var armed []Call
	var at []int
	for n, err := range errs {
		if answers[n].Err = err; err == nil {
			armed, at = append(armed, group[n]), append(at, n)
		}
	}
	if len(armed) == 0 {
		return answers
	}
	l.passing("armed", string(Do), subject(armed[0]))
	for k, err := range doAll(ctx, l.host, op, armed) {
		answers[at[k]].Err = cutOff(ctx, err)
	}
	return answers
}

// undoArmed undoes steps. For what went back, or is gone, nobody waits any more.
func (l *local) undoArmed(ctx context.Context, op *actuators.ErasedOp, group []Call) []Answer {
	answers := make([]Answer, len(group))
	var back []Call
	var at []int
	for n, err := range undoAll(ctx, l.host, op, group) {
		if answers[n].Err = cutOff(ctx, err); err == nil || errors.Is(err, actuators.ErrGone) {
			back, at = append(back, group[n]), append(at, n)
		}
	}
	if len(back) == 0 {
		return answers
	}
	if err := l.disarm(ctx, back); err != nil {
		for _, n := range at {
			answers[n].Err = err
		}
	}
	return answers
}

// doAll and undoAll take calls of one op together, if there are several, and answer for each.
func doAll(ctx context.Context, h actuators.Host, op *actuators.ErasedOp, calls []Call) []error {
	if len(calls) == 1 {
		return []error{op.Do(ctx, h, calls[0].Params, calls[0].Before)}
	}
	params, before := content(calls)
	return op.Many.Do(ctx, h, params, before)
}

func undoAll(ctx context.Context, h actuators.Host, op *actuators.ErasedOp, calls []Call) []error {
	if len(calls) == 1 {
		return []error{op.Undo(ctx, h, calls[0].Params, calls[0].Before)}
	}
	params, before := content(calls)
	return op.Many.Undo(ctx, h, params, before)
}

func content(calls []Call) (params, before []json.RawMessage) {
	for _, c := range calls {
		params, before = append(params, c.Params), append(before, c.Before)
	}
	return params, before
}

func longest(calls []Call, op *actuators.ErasedOp) (limit time.Duration) {
	for _, c := range calls {
		limit = max(limit, timeout(c, op))
	}
	return limit
}

// title names calls that go together.
func title(calls []Call) string {
	if len(calls) == 1 {
		return calls[0].Step
	}
	return fmt.Sprintf("%s and %d others", calls[0].Step, len(calls)-1)
}

// mayChange takes the locks of the instances, so that nothing else changes any of them, and checks the epoch under it.
func (l *local) mayChange(ctx context.Context, verb Verb, group []Call, limit time.Duration) (*held, error) {
	what := fmt.Sprintf("%s %s", verb, title(group))
	if l.readOnly {
		return nil, fmt.Errorf("cannot %s: %w", what, ErrReadOnly)
	}
	epoch := group[0].Epoch
	for _, c := range group {
		epoch = min(epoch, c.Epoch)
	}
	wait, stop := context.WithTimeout(ctx, limit)
	defer stop()
	lock, err := l.locks.takeAll(wait, group)
	if err != nil {
		return nil, fmt.Errorf("cannot %s: %w: %w", what, actuators.ErrTransient, err)
	}
	if err := l.admit(wait, epoch); err != nil {
		lock.free()
		return nil, fmt.Errorf("cannot %s: %w", what, err)
	}
	return lock, nil
}

// takeAll takes the lock of the instance of a call; for more calls of a kind, of the whole kind.
func (l locks) takeAll(ctx context.Context, calls []Call) (*held, error) {
	region := "instance of " + calls[0].Kind
	if len(calls) > 1 {
		return l.takeRegion(ctx, region)
	}
	return l.take(ctx, lockName{region, calls[0].Instance.String()})
}

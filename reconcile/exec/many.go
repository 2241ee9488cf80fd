package exec

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"plumbline/actuators"
)

// sideBySide is how many calls of Many that do not go together run at a time.
const sideBySide = 4

// Each answers Many by the single verbs of an executor, in order.
func Each(ctx context.Context, e Executor, verb Verb, calls []Call) []Answer {
	answers := make([]Answer, len(calls))
	for n, c := range calls {
		answers[n] = each(ctx, e, verb, c)
	}
	return answers
}

func each(ctx context.Context, e Executor, verb Verb, c Call) (a Answer) {
	switch verb {
	case Preflight:
		a.Err = e.Preflight(ctx, c)
	case Capture:
		a.Before, a.Err = e.Capture(ctx, c)
	case Do:
		a.Err = e.Do(ctx, c)
	case Undo:
		a.Err = e.Undo(ctx, c)
	default:
		a.Err = fmt.Errorf("cannot %q many: this version of plumb does not know it", verb)
	}
	return a
}

func (l *local) Many(ctx context.Context, verb Verb, calls []Call) ([]Answer, error) {
	answers := make([]Answer, len(calls))
	groups, rest := l.groups(verb, calls)
	for _, at := range groups {
		l.together(ctx, verb, calls, at, answers)
	}
	var wait sync.WaitGroup
	room := make(chan struct{}, sideBySide)
	for _, n := range rest {
		room <- struct{}{}
		wait.Go(func() {
			answers[n] = each(ctx, l, verb, calls[n])
			<-room
		})
	}
	wait.Wait()
	return answers, nil
}

// groups parts the calls into those that go together, by their op, and those that do not: what wants a confirmation, too.
func (l *local) groups(verb Verb, calls []Call) (groups map[*actuators.ErasedOp][]int, rest []int) {
	groups = map[*actuators.ErasedOp][]int{}
	for n, c := range calls {
		op, err := l.op(c)
		if err != nil || op.Many == nil || verb == Preflight || c.Confirm > 0 || op.Confirm > 0 || verb == Undo && op.Many.Undo == nil {
			rest = append(rest, n)
			continue
		}
		groups[op] = append(groups[op], n)
	}
	return groups, rest
}

// together runs the calls at some places by one call of their op.
func (l *local) together(ctx context.Context, verb Verb, calls []Call, at []int, answers []Answer) {
	group := make([]Call, len(at))
	for k, n := range at {
		group[k] = calls[n]
	}
	op, err := l.op(group[0])
	var said []Answer
	if err == nil {
		said, err = l.run(ctx, verb, op, group)
	}
	for k, n := range at {
		if answers[n] = (Answer{Err: err}); err == nil {
			answers[n] = said[k]
		}
	}
}

func (l *local) run(ctx context.Context, verb Verb, op *actuators.ErasedOp, group []Call) ([]Answer, error) {
	params, before := make([]json.RawMessage, len(group)), make([]json.RawMessage, len(group))
	var limit time.Duration
	for k, c := range group {
		params[k], before[k] = c.Params, c.Before
		limit = max(limit, timeout(c, op))
	}
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
		out, errs := make([]Answer, len(group)), []error(nil)
		switch verb {
		case Capture:
			before, errs = op.Many.Capture(ctx, l.host, params)
		case Do:
			errs = op.Many.Do(ctx, l.host, params, before)
		default:
			errs = op.Many.Undo(ctx, l.host, params, before)
		}
		for k, err := range errs {
			if out[k] = (Answer{Err: err}); verb == Capture {
				out[k].Before = before[k]
			} else {
				out[k].Err = cutOff(ctx, err)
			}
		}
		return out, nil
	})
}

// mayChange takes the lock of the whole kind, so that nothing else changes any of its instances, and checks the epoch
// under it.
func (l *local) mayChange(ctx context.Context, verb Verb, group []Call, limit time.Duration) (*held, error) {
	what := fmt.Sprintf("%s %s and %d others", verb, group[0].Step, len(group)-1)
	if l.readOnly {
		return nil, fmt.Errorf("cannot %s: %w", what, ErrReadOnly)
	}
	epoch := group[0].Epoch
	for _, c := range group {
		epoch = min(epoch, c.Epoch)
	}
	wait, stop := context.WithTimeout(ctx, limit)
	defer stop()
	lock, err := l.locks.takeRegion(wait, kindLock(group[0]))
	if err != nil {
		return nil, fmt.Errorf("cannot %s: %w: %w", what, actuators.ErrTransient, err)
	}
	if err := l.admit(wait, epoch); err != nil {
		lock.free()
		return nil, fmt.Errorf("cannot %s: %w", what, err)
	}
	return lock, nil
}

// kindLock names the region in which the locks of all instances of a kind lie.
func kindLock(c Call) string { return "instance of " + c.Kind }

func instanceLock(c Call) lockName { return lockName{kindLock(c), c.Instance.String()} }

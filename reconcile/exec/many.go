package exec

import (
	"context"
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
	case Confirm:
		a.Err = e.Confirm(ctx, c.Step)
	default:
		a.Err = fmt.Errorf("cannot %q many: %w does not know it", verb, ErrVersion)
	}
	return a
}

func (l *local) Many(ctx context.Context, verb Verb, calls []Call) ([]Answer, error) {
	if verb == Confirm {
		return l.confirm(ctx, calls), nil
	}
	answers := make([]Answer, len(calls))
	groups, rest := l.groups(verb, calls)
	for group, at := range groups {
		l.together(ctx, verb, group.op, calls, at, answers)
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

// company is what calls must have in common to go together: the op, and how long they wait for a confirmation.
type company struct {
	op      *actuators.ErasedOp
	confirm time.Duration
}

// groups parts the calls into those that go together and those that do not.
func (l *local) groups(verb Verb, calls []Call) (groups map[company][]int, rest []int) {
	groups = map[company][]int{}
	for n, c := range calls {
		op, err := l.op(c)
		if err != nil || op.Many == nil || verb == Preflight || verb == Undo && op.Many.Undo == nil {
			rest = append(rest, n)
			continue
		}
		c = filled(c, op)
		groups[company{op, c.Confirm}] = append(groups[company{op, c.Confirm}], n)
	}
	return groups, rest
}

// filled gives a call what it leaves to its op.
func filled(c Call, op *actuators.ErasedOp) Call {
	c.Timeout = timeout(c, op)
	if c.Confirm == 0 {
		c.Confirm = op.Confirm
	}
	return c
}

// together runs the calls at some places by one call of their op.
func (l *local) together(ctx context.Context, verb Verb, op *actuators.ErasedOp, calls []Call, at []int, answers []Answer) {
	group := make([]Call, len(at))
	for k, n := range at {
		group[k] = filled(calls[n], op)
	}
	said, err := l.run(ctx, verb, op, group)
	for k, n := range at {
		if answers[n] = (Answer{Err: err}); err == nil {
			answers[n] = said[k]
		}
	}
}

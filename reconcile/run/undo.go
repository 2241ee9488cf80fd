package run

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"plumbline/actuators"
	"plumbline/reconcile/exec"
	"plumbline/reconcile/journal"
)

// backward takes steps back and looks that they are as before. What one leaves is named: kept, stuck, or a difference.
func (r *runner) backward(ctx context.Context, c *crew) []outcome {
	out := make([]outcome, len(c.tasks))
	var back []*homeward
	var at []int
	for n, t := range c.tasks {
		switch {
		case t.under != nil:
			out[n] = r.freeze(t, fmt.Errorf("it was left as it is, because %s stands on it and is stuck", t.under.ID))
		case t.Reversal == actuators.Kept || t.Reversal == actuators.NoReversal:
			t.residue = t.keptText()
			out[n].record = t.record(journal.Kept)
		default:
			back, at = append(back, &homeward{task: t}), append(at, n)
		}
	}
	r.takeBack(ctx, c.host, back)
	for k, n := range at {
		if b := back[k]; b.err != nil {
			out[n] = r.freeze(b.task, b.err)
		} else {
			out[n].record = b.undone()
		}
	}
	return out
}

// homeward is a step on its way back.
type homeward struct {
	*task
	tries int
	seen  seen
	gone  error // there was nothing to set back
	err   error
}

// undone is the record of a step that was taken back, with what is still different.
func (b *homeward) undone() *journal.Record {
	t := b.task
	if b.gone != nil {
		if t.first() { // it was there before the lane began
			t.residue = "undone, but " + b.gone.Error()
		}
	} else if t.first() || t.Reversal == actuators.Compensate {
		if ok, difference := actuators.SameConfig(t.have, b.seen.here); !ok {
			t.residue = "undone, but " + difference
		}
	}
	record := t.record(journal.Undone)
	record.Err = t.residue
	if t.object.written != nil {
		back := t.object.written.Reverse()
		record.Update = &back
	}
	return record
}

// takeBack runs Undo until it says yes and the look agrees, three times at most. A value that somebody else wrote is not
// tried again; a host that does not answer is waited for.
func (r *runner) takeBack(ctx context.Context, host string, all []*homeward) {
	patience := r.in.Now().Add(r.in.Patience)
	open := slices.Clone(all)
	for pause := undoPause; len(open) > 0; pause = min(2*pause, 10*time.Second) {
		r.undoAndSee(ctx, host, open)
		open = slices.DeleteFunc(open, func(b *homeward) bool {
			switch {
			case b.err == nil, errors.Is(b.err, actuators.ErrStuck), errors.Is(b.err, exec.ErrFenced), ctx.Err() != nil:
				return true
			case errors.Is(b.err, exec.ErrUnreachable) && r.in.Now().Before(patience):
			case b.tries == tries-1:
				return true
			default:
				b.tries++
			}
			r.in.Log.Warn().Str("plan", r.plan.ID).Str("step", b.ID).Str("verb", "undo").Int("attempt", b.tries+1).Err(b.err).Msg("trying again")
			return false
		})
		if len(open) == 0 {
			return
		}
		if err := r.in.Sleep(ctx, pause); err != nil {
			for _, b := range open {
				b.err = err
			}
			return
		}
	}
}

// undoAndSee runs Undo once, and looks at those of which it said yes.
func (r *runner) undoAndSee(ctx context.Context, host string, all []*homeward) {
	tasks, at := make([]*task, len(all)), make([]int, len(all))
	for n, b := range all {
		tasks[n], at[n] = b.task, n
	}
	looks := make([]*watched, len(all))
	for n, a := range r.once(ctx, exec.Undo, tasks, at) {
		switch all[n].err = a.Err; {
		case errors.Is(a.Err, actuators.ErrGone):
			all[n].gone, all[n].err = a.Err, nil
		case a.Err == nil:
			looks[n], all[n].err = tasks[n].asBefore()
		}
	}
	r.await(ctx, host, looks)
	for n, w := range looks {
		if w == nil {
			continue
		}
		if all[n].seen, all[n].err = w.seen, nil; w.err != nil {
			all[n].err = fmt.Errorf("it was undone, but is not as before: %w", w.err)
		}
	}
}

// asBefore is what a look must show after Undo.
func (t *task) asBefore() (*watched, error) {
	predicted, err := t.op.Predict(t.Params, t.have)
	if err != nil {
		return nil, err
	}
	return &watched{task: t, limit: t.Timeout, check: func(s seen) (bool, string, error) {
		ok, difference := actuators.Holds(t.have, predicted, s.here)
		return ok, difference, nil
	}}, nil
}

// freeze names a step that could not be undone and freezes its instance.
func (r *runner) freeze(t *task, err error) outcome {
	if dead := r.dead(); dead != nil {
		return outcome{err: dead}
	}
	if errors.Is(err, exec.ErrFenced) {
		return outcome{err: err}
	}
	t.residue = stuckText(err)
	why := t.fail(fmt.Errorf("cannot undo it: %w", err)).Error()
	u, readErr := r.frozen(t.object.change, why)
	if readErr != nil {
		return outcome{err: readErr}
	}
	record := t.record(journal.Stuck)
	record.Err, record.Update = err.Error(), u
	return outcome{record: record}
}

func (t *task) keptText() string { return "it is one-way and stays: " + t.Summary }

func stuckText(err error) string { return "it could not be undone: " + err.Error() }

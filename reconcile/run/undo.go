package run

import (
	"context"
	"errors"
	"fmt"
	"time"

	"plumbline/actuators"
	"plumbline/reconcile/exec"
	"plumbline/reconcile/journal"
)

// backward takes one step back and looks that it is as before. What it leaves is named: kept, stuck, or a difference.
func (r *runner) backward(ctx context.Context, t *task) error {
	switch {
	case t.under != nil:
		return r.freeze(t, fmt.Errorf("it was left as it is, because %s stands on it and is stuck", t.under.ID))
	case t.Reversal == actuators.Kept || t.Reversal == actuators.NoReversal:
		t.residue = t.keptText()
		return r.close(t, journal.Record{State: journal.Kept})
	}
	s, err := r.takeBack(ctx, t)
	if err != nil {
		return r.freeze(t, err)
	}
	if t.first() || t.Reversal == actuators.Compensate {
		if ok, difference := actuators.SameConfig(t.have, s.here); !ok {
			t.residue = "undone, but " + difference
		}
	}
	record := journal.Record{State: journal.Undone, Err: t.residue}
	if t.object.written != nil {
		back := t.object.written.Reverse()
		record.Update = &back
	}
	if err := r.close(t, record); err != nil {
		return err
	}
	t.object.written = nil
	return nil
}

// takeBack runs Undo until it says yes and the look agrees, three times at most. A value that somebody else wrote is not
// tried again; a host that does not answer is waited for.
func (r *runner) takeBack(ctx context.Context, t *task) (seen, error) {
	patience := r.in.Now().Add(r.in.Patience)
	pause := undoPause
	for try := 1; ; {
		s, err := r.undoAndSee(ctx, t)
		switch {
		case err == nil:
			return s, nil
		case errors.Is(err, actuators.ErrStuck), errors.Is(err, exec.ErrFenced), ctx.Err() != nil:
			return s, err
		case errors.Is(err, exec.ErrUnreachable) && r.in.Now().Before(patience):
		case try == tries:
			return s, err
		default:
			try++
		}
		r.in.Log.Warn().Str("plan", r.plan.ID).Str("step", t.ID).Str("verb", "undo").Int("attempt", try).Err(err).Msg("trying again")
		if err := r.in.Sleep(ctx, pause); err != nil {
			return s, err
		}
		pause = min(2*pause, 10*time.Second)
	}
}

func (r *runner) undoAndSee(ctx context.Context, t *task) (seen, error) {
	host, err := r.host(ctx, t.host)
	if err != nil {
		return seen{}, err
	}
	if err := host.Undo(ctx, r.call(t)); err != nil {
		r.dropBroken(t.host, host, err)
		return seen{}, err
	}
	predicted, err := t.op.Predict(t.Params, t.have)
	if err != nil {
		return seen{}, err
	}
	s, err := r.await(ctx, t, t.Timeout, func(s seen) (bool, string, error) {
		ok, difference := actuators.Holds(t.have, predicted, s.here)
		return ok, difference, nil
	})
	if err != nil {
		return s, fmt.Errorf("it was undone, but is not as before: %w", err)
	}
	return s, nil
}

// freeze names a step that could not be undone and freezes its instance.
func (r *runner) freeze(t *task, err error) error {
	if r.dead() != nil {
		return r.dead()
	}
	if errors.Is(err, exec.ErrFenced) {
		return err
	}
	t.residue = stuckText(err)
	why := t.fail(fmt.Errorf("cannot undo it: %w", err)).Error()
	u, readErr := r.frozen(t.object.change, why)
	if readErr != nil {
		return readErr
	}
	return r.close(t, journal.Record{State: journal.Stuck, Err: err.Error(), Update: u})
}

// close writes the last record of a step.
func (r *runner) close(t *task, record journal.Record) error {
	record.Lane, record.Step = t.Lane, t.ID
	if err := r.append(record); err != nil {
		return err
	}
	t.state = record.State
	return nil
}

func (t *task) keptText() string { return "it is one-way and stays: " + t.Summary }

func stuckText(err error) string { return "it could not be undone: " + err.Error() }

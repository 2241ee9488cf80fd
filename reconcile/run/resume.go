package run

import (
	"context"
	"errors"
	"fmt"

	"plumbline/actuators"
	"plumbline/reconcile/journal"
	"plumbline/reconcile/plan"
)

// Resume takes up every plan that was begun and has not ended. A lane whose steps are all done stays; a step that was
// begun and not acknowledged is looked at when it is all that its lane lacks; every other lane that was begun goes back,
// with what was captured then. Plans that this version cannot read stop it before anything is changed.
func Resume(ctx context.Context, in Input) ([]Result, error) {
	in = in.withDefaults()
	plans, err := in.Store.OpenPlans()
	if err != nil {
		return nil, err
	}
	runners := make([]*runner, 0, len(plans))
	for _, p := range plans {
		r, err := takeUp(in, p)
		if err != nil {
			return nil, fmt.Errorf("cannot resume: %w", err)
		}
		runners = append(runners, r)
	}
	if len(runners) > 0 {
		if err := in.Store.Raise(); err != nil {
			return nil, err
		}
	}
	var results []Result
	for _, r := range runners {
		for _, l := range r.lanes {
			r.settle(l)
		}
		res, err := r.drive(ctx)
		if err != nil {
			return results, err
		}
		results = append(results, res)
	}
	return results, nil
}

func takeUp(in Input, p *plan.Plan) (*runner, error) {
	r, err := newRunner(in, p)
	if err != nil {
		return nil, err
	}
	r.resumed = true
	records, err := in.Store.Records(p.ID)
	if err != nil {
		return nil, err
	}
	for n, record := range records {
		if err := r.replay(n, record); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// replay brings the runner to where a record says it was.
func (r *runner) replay(n int, record journal.Record) error {
	if n == 0 {
		r.begunAt = record.At
	}
	if record.State == journal.Failed {
		l := r.byID[record.Lane]
		if l == nil {
			return fmt.Errorf("internal error: plan %s has no lane %d", r.plan.ID, record.Lane)
		}
		l.failed, l.cause, l.why = true, Cause(record.Cause), record.Err
		r.replan = r.replan || l.cause == CauseChanged
		return nil
	}
	t := r.steps[record.Step]
	if t == nil {
		return fmt.Errorf("internal error: plan %s has no step %s", r.plan.ID, record.Step)
	}
	t.state = record.State
	switch record.State {
	case journal.Begun:
		t.before, t.have, t.order = record.Before, record.Have, r.next()
	case journal.Done:
		t.object.written, t.doneAt = record.Update, record.At
		r.lookAsBefore(t, record.Update)
	case journal.Undone:
		t.object.written, t.residue = nil, record.Err
	case journal.Kept:
		t.residue = t.keptText()
	case journal.Stuck:
		t.residue = stuckText(errors.New(record.Err))
	}
	return nil
}

// lookAsBefore finds how to look at what is no longer in the inventory.
func (r *runner) lookAsBefore(t *task, u *journal.Update) {
	if u != nil && u.Prior != nil && t.object.change.Was != "" {
		t.object.former = u.Prior.Spec
	}
	if u != nil && u.Prior != nil && t.object.specs[t.Instance.Host] == nil {
		t.object.specs[t.Instance.Host] = u.Prior.Spec
	}
}

// settle decides what becomes of a lane that a crash left. Nothing goes forward but a step that was done unacknowledged.
func (r *runner) settle(l *lane) {
	begun, done := 0, 0
	touched := l.failed
	for _, t := range l.tasks {
		switch t.state {
		case journal.Begun:
			begun++
		case journal.Done:
			done++
		}
		touched = touched || t.state != ""
	}
	l.open = len(l.tasks) - done
	if !l.failed {
		l.cause, l.why = CauseInterrupted, "the controller ended while it was running"
	}
	if !touched {
		r.end(l, LaneNotRun)
		return
	}
	l.phase = failing
	if !l.failed && begun > 0 && begun+done == len(l.tasks) {
		for _, t := range l.tasks {
			if t.state == journal.Begun {
				l.decides++
				r.queue.push(decide, t)
			}
		}
		return
	}
	r.advance(l)
}

// decide looks whether steps that were begun and not acknowledged were done. If not, or if nobody can tell, the state of a
// step stays begun and its lane goes back.
func (r *runner) decide(ctx context.Context, c *crew) []outcome {
	out := make([]outcome, len(c.tasks))
	looks := make([]*watched, len(c.tasks))
	for n, t := range c.tasks {
		looks[n], out[n].err = t.visible()
	}
	r.await(ctx, c.host, looks)
	for n := range c.tasks {
		if looks[n] != nil {
			out[n].err = looks[n].err
		}
	}
	r.confirmFresh(ctx, c.tasks, out, func(n int, err error) { out[n].err = err })
	for n, t := range c.tasks {
		if looks[n] != nil && out[n].err == nil {
			out[n].record, out[n].err = r.done(t, looks[n].seen)
		}
	}
	return out
}

// visible is what a look shows of a step that was done; an error when it shows nothing.
func (t *task) visible() (*watched, error) {
	predicted, err := t.op.Predict(t.Params, t.have)
	if err != nil {
		return nil, err
	}
	if same, _ := actuators.SameConfig(predicted, t.have); same {
		return nil, errors.New("it changes nothing that could be seen, so nobody can tell whether it was done")
	}
	return &watched{task: t, limit: t.Timeout, check: func(s seen) (bool, string, error) {
		if ok, difference := actuators.Holds(predicted, t.have, s.here); !ok {
			return false, "", errors.New(difference)
		}
		return t.reached(predicted, s)
	}}, nil
}

func (r *runner) tookDecision(t *task, err error) {
	l := t.lane
	if err == nil {
		l.open--
	} else {
		t.err = err
	}
	if l.decides--; l.decides == 0 {
		r.advance(l)
	}
}

package run

import (
	"time"

	"plumbline/reconcile/journal"
)

// finished is a crew that came home from its host.
type finished struct {
	*crew
	outcomes []outcome
}

// outcome is what a verb came to for one step: an error, or the record that says so once it is on the disk.
type outcome struct {
	err    error
	record *journal.Record
}

// take lets a crew go on whose verb is done: what is to be remembered is written first, what failed stops its lane.
func (r *runner) take(f finished) {
	r.active--
	r.queue.vacate(f.host)
	for _, o := range f.outcomes {
		if fatal(o.err) {
			r.kill(o.err)
		}
	}
	if r.dead() != nil {
		return
	}
	var over []ending
	var records []journal.Record
	kept := f.tasks[:0:0]
	for n, t := range f.tasks {
		switch o := f.outcomes[n]; {
		case o.err != nil:
			over = append(over, ending{t, o.err})
		case o.record == nil, f.verb == prepare && t.lane.phase != running:
			over = append(over, ending{t, nil})
		default:
			kept, records = append(kept, t), append(records, *o.record)
		}
	}
	if f.tasks = kept; len(records) > 0 {
		r.write(records, func() { r.recorded(f.crew, records) })
	} else {
		r.disband(f.crew, over)
	}
	for _, one := range over {
		one.task.lane.active--
	}
	for _, one := range over {
		r.home(f.verb, one.task, one.err)
	}
}

// ending is a step that leaves its crew.
type ending struct {
	task *task
	err  error
}

// disband ends a crew. When nobody is left in it, its last tasks tell in which containers it was.
func (r *runner) disband(c *crew, last []ending) {
	if len(c.tasks) == 0 && len(last) > 0 {
		c.tasks = []*task{last[0].task}
	}
	r.under--
	r.queue.port(c.host).under--
	r.queue.leave(c)
}

// recorded follows records that are on the disk.
func (r *runner) recorded(c *crew, records []journal.Record) {
	if c.verb == prepare {
		for _, t := range c.tasks {
			t.state, t.order = journal.Begun, r.next()
		}
		c.verb, c.key = act, ""
		r.queue.add(c)
		return
	}
	r.disband(c, nil)
	now := r.in.Now()
	for n, t := range c.tasks {
		t.lane.active--
		t.state = records[n].State
		switch t.state {
		case journal.Done:
			t.err, t.doneAt, t.object.written = nil, now, records[n].Update
		case journal.Undone:
			t.object.written = nil
		}
	}
	for _, t := range c.tasks {
		r.home(c.verb, t, nil)
	}
}

// home moves the lane of a step whose verb has come to its end.
func (r *runner) home(v verb, t *task, err error) {
	took := r.in.Now().Sub(t.startedAt)
	switch {
	case v == check && err == nil:
		r.tookAnswer(t)
	case v == act && err == nil:
		r.tookForward(t, took)
	case v == undo && err == nil:
		r.tookBack(t, took)
	case v == decide:
		r.tookDecision(t, err)
		return
	}
	if l := t.lane; err != nil && v != undo {
		t.err, t.took = err, took
		r.emitStep(StepFailed, t, took, err)
		if l.phase == checking {
			l.checks--
		}
		r.fail(l, l.classify(err), t.fail(err).Error())
	}
	r.advance(t.lane)
}

// tookAnswer lets a step that may be done be prepared; the first steps of a lane wait for each other.
func (r *runner) tookAnswer(t *task) {
	switch t.lane.phase {
	case checking:
		t.lane.checks--
	case running:
		r.queue.push(prepare, t)
	}
}

func (r *runner) tookForward(t *task, took time.Duration) {
	t.took = took
	t.lane.open--
	r.emitStep(StepDone, t, took, nil)
	r.in.Log.Info().Str("plan", r.plan.ID).Str("step", t.ID).Dur("dur", took).Msg("step done")
	for _, next := range t.then {
		r.arrive(next)
	}
}

func (r *runner) tookBack(t *task, took time.Duration) {
	t.lane.open--
	event := StepUndone
	switch t.state {
	case journal.Kept:
		event = StepKept
	case journal.Stuck:
		event = StepStuck
		for _, below := range t.floor {
			below.bury(t)
		}
	}
	r.emitStep(event, t, took, nil)
	r.in.Log.Info().Str("plan", r.plan.ID).Str("step", t.ID).Str("verb", "undo").Str("residue", t.residue).Dur("dur", took).Msg("step taken back")
	r.release(t)
}

// release lets go back what waited for a step, or for a gate, which is open when all before it are back.
func (r *runner) release(t *task) {
	for _, below := range t.beneath {
		switch below.blocks--; {
		case below.blocks > 0:
		case below.gate:
			r.release(below)
		default:
			r.queue.push(undo, below)
		}
	}
}

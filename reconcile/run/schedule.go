package run

import (
	"context"
	"fmt"
	"time"
)

// drive is the loop: it starts what may start, and takes what comes home and what is written.
func (r *runner) drive(ctx context.Context) (Result, error) {
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	r.stop = stop
	for _, l := range r.lanes {
		if l.phase == waiting && l.waits == 0 {
			r.begin(l)
		}
	}
	gentle := ctx.Done()
	for r.active > 0 || r.writing || (r.openLanes > 0 && r.dead() == nil) {
		if gentle != nil && ctx.Err() != nil {
			gentle = nil
			r.stopGently()
		}
		hold := r.start(work)
		if r.active == 0 && !r.writing && hold == 0 {
			if r.openLanes > 0 && r.dead() == nil {
				r.untangle()
			}
			continue
		}
		timer := r.timer(work, hold)
		select {
		case f := <-r.results:
			r.take(f)
		case w := <-r.written:
			r.acknowledge(w)
		case <-r.wake:
		case <-gentle:
		case <-r.in.Abort:
			r.kill(ErrAbandoned)
			r.in.Abort = nil
		}
		timer()
	}
	if err := r.dead(); err != nil {
		return r.result(), fmt.Errorf("cannot go on with plan %s: %w", r.plan.ID, err)
	}
	return r.conclude()
}

// start begins the crews that may run now. It gives the time until the next step whose hold ends, or 0.
func (r *runner) start(ctx context.Context) (hold time.Duration) {
	if r.dead() != nil {
		return 0
	}
	now := r.in.Now()
	r.queue.due(now)
	r.queue.free()
	for {
		c := r.queue.next(r.under >= r.in.Parallel)
		if c == nil && r.queue.free() {
			continue
		}
		if c == nil {
			break
		}
		if c.verb != act && !r.admit(c) {
			continue
		}
		r.launch(ctx, c)
	}
	return r.queue.left(now)
}

// admit tells whether a crew may start: those of its steps that still make sense and need not wait, in containers where
// nobody is.
func (r *runner) admit(c *crew) bool {
	now := r.in.Now()
	c.keep(func(t *task) bool {
		if stale(c.verb, t) {
			return false
		}
		if until := r.heldUntil(c.verb, t); until.After(now) {
			r.queue.postpone(t, until)
			return false
		}
		return true
	})
	if len(c.tasks) == 0 {
		r.queue.wake(c.room)
		return false
	}
	if !r.queue.enter(c) {
		return false
	}
	r.queue.split(c)
	r.under++
	r.queue.port(c.host).under++
	for _, t := range c.tasks {
		t.lane.active++
	}
	return true
}

// stale tells whether a verb lost its sense while it waited.
func stale(v verb, t *task) bool {
	switch v {
	case check:
		return t.lane.phase != checking && t.lane.phase != running
	case prepare:
		return t.lane.phase != running
	}
	return false
}

// heldUntil is the end of the holds of those that a step needs.
func (r *runner) heldUntil(v verb, t *task) (until time.Time) {
	if v != prepare {
		return until
	}
	for _, id := range t.Needs {
		if g := r.gates[id]; g != nil {
			until = later(until, g.held())
		} else {
			until = later(until, r.steps[id].held())
		}
	}
	return until
}

func (r *runner) launch(ctx context.Context, c *crew) {
	r.active++
	r.queue.occupy(c.host)
	now := r.in.Now()
	for _, t := range c.tasks {
		switch c.verb {
		case prepare:
			t.startedAt = now
			r.emitStep(StepStarted, t, 0, nil)
		case undo:
			t.startedAt = now
			r.emitStep(UndoStarted, t, 0, nil)
		}
	}
	go func() { r.results <- finished{c, r.perform(ctx, c)} }()
}

func (r *runner) perform(ctx context.Context, c *crew) []outcome {
	switch c.verb {
	case check:
		return r.ask(ctx, c)
	case prepare:
		return r.prepare(ctx, c)
	case act:
		return r.act(ctx, c)
	case decide:
		return r.decide(ctx, c)
	}
	return r.backward(ctx, c)
}

// stopGently lets running steps finish and sends every lane back that is not complete then.
func (r *runner) stopGently() {
	r.stopped = true
	const why = "the run was told to stop"
	for _, l := range r.lanes {
		switch l.phase {
		case waiting:
			l.cause, l.why = CauseStopped, why
			r.end(l, LaneNotRun)
		case checking, running:
			r.fail(l, CauseStopped, why)
		}
	}
}

// untangle ends lanes that wait for each other, which no plan of ours holds.
func (r *runner) untangle() {
	for _, l := range r.lanes {
		if l.phase != ended {
			l.why = "internal error: it waits for something that can never be done"
			if l.phase == waiting {
				r.end(l, LaneBlocked)
			} else {
				r.fail(l, CauseError, l.why)
			}
		}
	}
}

// timer wakes the loop when a hold ends; the result stops it. Without a free place nobody may start then: who ends wakes the loop.
func (r *runner) timer(ctx context.Context, hold time.Duration) func() {
	if hold == 0 || r.under >= r.in.Parallel {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		if r.in.Sleep(ctx, hold) == nil {
			select {
			case r.wake <- struct{}{}:
			default:
			}
		}
	}()
	return func() { cancel(); <-gone }
}

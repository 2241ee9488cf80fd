package run

import (
	"context"
	"fmt"
	"slices"
	"time"

	"plumbline/reconcile/journal"
)

type verb int

const (
	check verb = iota
	forward
	undo
	decide
)

// job is a verb on a step, done by a goroutine of its own.
type job struct {
	verb verb
	*task
}

type finished struct {
	job
	err  error
	took time.Duration
}

// drive is the loop: it starts what may start, and takes what comes home.
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
	for r.active > 0 || (r.openLanes > 0 && r.dead() == nil) {
		if gentle != nil && ctx.Err() != nil {
			gentle = nil
			r.stopGently()
		}
		hold := r.start(work)
		if r.active == 0 && hold == 0 {
			if r.openLanes > 0 && r.dead() == nil && len(r.ready) == 0 {
				r.untangle()
			}
			continue
		}
		timer := r.timer(work, hold)
		select {
		case f := <-r.results:
			r.take(f)
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

// start begins the jobs that may run now. It gives the time until the next one whose hold ends, or 0.
func (r *runner) start(ctx context.Context) (hold time.Duration) {
	if r.dead() != nil {
		return 0
	}
	rest := r.ready[:0:0]
	for i, j := range r.ready {
		if r.active >= r.in.Parallel {
			rest = append(rest, r.ready[i:]...)
			break
		}
		if r.stale(j) {
			continue
		}
		if left := r.held(j); left > 0 {
			rest = append(rest, j)
			if hold == 0 || left < hold {
				hold = left
			}
			continue
		}
		if !r.fits(j) {
			rest = append(rest, j)
			continue
		}
		r.launch(ctx, j)
	}
	r.ready = rest
	return hold
}

// stale tells whether a job lost its sense while it waited.
func (r *runner) stale(j job) bool {
	switch j.verb {
	case check:
		return j.lane.phase != checking
	case forward:
		return j.lane.phase != running
	}
	return false
}

// held is how long a step must still wait for the holds of those that it needs.
func (r *runner) held(j job) time.Duration {
	if j.verb != forward {
		return 0
	}
	var left time.Duration
	for _, id := range j.Needs {
		if need := r.steps[id]; need.Hold > 0 {
			left = max(left, need.doneAt.Add(need.Hold).Sub(r.in.Now()))
		}
	}
	return left
}

func (r *runner) fits(j job) bool {
	if r.perHost[j.host] >= r.in.PerHost {
		return false
	}
	if j.verb == check {
		return true
	}
	for _, container := range j.Share {
		if r.containers[container] {
			return false
		}
	}
	return true
}

func (r *runner) launch(ctx context.Context, j job) {
	r.occupy(j, true)
	switch j.verb {
	case forward:
		r.emitStep(StepStarted, j.task, 0, nil)
	case undo:
		r.emitStep(UndoStarted, j.task, 0, nil)
	}
	begun := r.in.Now()
	go func() {
		err := r.perform(ctx, j)
		r.results <- finished{j, err, r.in.Now().Sub(begun)}
	}()
}

func (r *runner) perform(ctx context.Context, j job) error {
	switch j.verb {
	case check:
		return r.ask(ctx, j.task)
	case forward:
		return r.forward(ctx, j.task)
	case decide:
		return r.decide(ctx, j.task)
	}
	return r.backward(ctx, j.task)
}

func (r *runner) occupy(j job, taken bool) {
	n := 1
	if !taken {
		n = -1
	}
	r.active += n
	j.lane.active += n
	r.perHost[j.host] += n
	if j.verb == check {
		return
	}
	for _, container := range j.Share {
		r.containers[container] = taken
	}
}

// take moves the lane of a job that came home.
func (r *runner) take(f finished) {
	r.occupy(f.job, false)
	l := f.lane
	if fatal(f.err) {
		r.kill(f.err)
	}
	if r.dead() != nil {
		return
	}
	switch f.verb {
	case check:
		l.checks--
	case forward:
		r.tookForward(f)
	case undo:
		r.tookBack(f)
	case decide:
		r.tookDecision(f)
		return
	}
	if f.verb != undo && f.err != nil {
		f.task.err = f.err
		r.emitStep(StepFailed, f.task, f.took, f.err)
		r.fail(l, l.classify(f.err), f.fail(f.err).Error())
	}
	r.advance(l)
}

func (r *runner) tookForward(f finished) {
	f.task.took = f.took
	if f.err != nil {
		return
	}
	f.lane.open--
	r.emitStep(StepDone, f.task, f.took, nil)
	r.in.Log.Info().Str("plan", r.plan.ID).Str("step", f.ID).Dur("dur", f.took).Msg("step done")
	for _, next := range f.then {
		if next.waits--; next.waits == 0 && next.lane.phase == running {
			r.push(job{forward, next})
		}
	}
}

func (r *runner) tookBack(f finished) {
	f.lane.open--
	t := f.task
	event := StepUndone
	switch t.state {
	case journal.Kept:
		event = StepKept
	case journal.Stuck:
		event = StepStuck
		for _, below := range t.floor {
			below.under = t
		}
	}
	r.emitStep(event, t, f.took, nil)
	r.in.Log.Info().Str("plan", r.plan.ID).Str("step", t.ID).Str("verb", "undo").Str("residue", t.residue).Dur("dur", f.took).Msg("step taken back")
	for _, below := range t.beneath {
		if below.blocks--; below.blocks == 0 {
			r.push(job{undo, below})
		}
	}
}

// push makes a job ready. Ways back go before ways forward, what was begun last before what was begun first.
func (r *runner) push(j job) {
	at := len(r.ready)
	if j.verb == undo {
		at = slices.IndexFunc(r.ready, func(other job) bool { return other.verb != undo || other.order < j.order })
		if at < 0 {
			at = len(r.ready)
		}
	}
	r.ready = slices.Insert(r.ready, at, j)
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

// timer wakes the loop when a hold ends; the result stops it.
func (r *runner) timer(ctx context.Context, hold time.Duration) func() {
	if hold == 0 {
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

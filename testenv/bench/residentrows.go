package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"time"

	"plumbline/reconcile"
	"plumbline/reconcile/notify"
	"plumbline/schema"
	"plumbline/testenv/bench/meter"
)

// whileItRuns measures what a running controller does: its watches stand, and nothing is left to do.
func (r *resident) whileItRuns(ctx context.Context, times int) error {
	for _, step := range []func(context.Context, int) error{r.quiet, r.atRest, r.idlePlans, r.pushesToPlans, r.pushesToApplied, r.driftChecks, r.eventsToAlerts} {
		if err := step(ctx, times); err != nil {
			return err
		}
	}
	return nil
}

// patience is how long anything may take that is waited for.
const patience = 5 * time.Minute

func until(ctx context.Context, what string, done func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-ctx.Done():
			return fmt.Errorf("cannot wait any longer until %s: %w", what, ctx.Err())
		case <-tick.C:
		}
	}
	return nil
}

// quiet waits until the head is applied and this process has nothing more to do: all streams of events stand.
func (r *resident) quiet(ctx context.Context, _ int) error {
	err := until(ctx, "the head is applied", func() bool {
		s := r.Status()
		return s.Phase == reconcile.Waiting && s.Head != "" && s.Head == s.Applied
	})
	const window, idle, windows = 250 * time.Millisecond, 0.1, 4
	calm := 0
	return errors.Join(err, until(ctx, "the controller rests", func() bool {
		cost, _ := meter.Measure(func() error { time.Sleep(window); return nil })
		if calm++; cost.CPU.Seconds() > idle*cost.Wall.Seconds() {
			calm = 0
		}
		return calm == windows
	}))
}

// atRest tells what the controller holds when it has nothing to do.
func (r *resident) atRest(context.Context, int) error {
	debug.FreeOSMemory()
	r.report(measure{Row: rowHeld, Cost: meter.Cost{Peak: meter.Tree(os.Getpid()).RSS}})
	return nil
}

// idlePlans plans when there is nothing to do.
func (r *resident) idlePlans(ctx context.Context, times int) error {
	return r.repeat(rowIdle, times, func() error {
		p, err := r.planHead(ctx)
		if err == nil && (!p.Empty() || len(p.Refusals) > 0) {
			err = fmt.Errorf("there is something to do: %s", p.Summary())
		}
		return err
	})
}

// repeat reports the median of several runs.
func (r *resident) repeat(row string, times int, do func() error) error {
	var costs []meter.Cost
	for range times {
		cost, err := meter.Measure(do)
		if err != nil {
			return fmt.Errorf("cannot measure %s: %w", row, err)
		}
		costs = append(costs, cost)
	}
	r.report(measure{Row: row, Cost: median(costs), Times: times})
	return nil
}

// pushesToPlans is the way from the end of a push to its plan, while the loop itself is suspended.
func (r *resident) pushesToPlans(ctx context.Context, times int) error {
	if err := r.Suspend(context.Background(), reconcile.Suspension{Reason: "measuring", Owner: "bench"}); err != nil {
		return err
	}
	planned := 0
	var costs []meter.Cost
	for range times {
		commit, err := r.place.prepare()
		if err != nil {
			return err
		}
		cost, err := meter.Measure(func() error {
			if err := r.place.land(commit); err != nil {
				return err
			}
			p, err := r.planHead(ctx)
			if planned++; err == nil && len(p.Steps) != min(planned, r.place.fleet.Turns()) {
				err = fmt.Errorf("%d steps after %d pushes", len(p.Steps), planned)
			}
			return err
		})
		if err != nil {
			return fmt.Errorf("cannot measure %s: %w", rowPush, err)
		}
		costs = append(costs, cost)
	}
	r.report(measure{Row: rowPush, Cost: median(costs), Times: times})
	if _, err := r.Continue(context.Background()); err != nil {
		return err
	}
	return r.quiet(ctx, times)
}

// pushesToApplied is the way from the end of a push until the loop has told that it is applied.
func (r *resident) pushesToApplied(ctx context.Context, times int) error {
	var costs []meter.Cost
	for range times {
		commit, err := r.place.prepare()
		if err != nil {
			return err
		}
		r.drain()
		cost, err := meter.Measure(func() error {
			if err := r.place.land(commit); err != nil {
				return err
			}
			_, err := r.await(ctx, func(n notify.Notice) bool { return n.Commit == commit && n.Reason == notify.ReasonApplied })
			return err
		})
		if err != nil {
			return fmt.Errorf("cannot measure %s: %w", rowChange, err)
		}
		costs = append(costs, cost)
		if err := r.quiet(ctx, times); err != nil {
			return err
		}
	}
	r.report(measure{Row: rowChange, Cost: median(costs), Times: times})
	return nil
}

// drain forgets notices of before.
func (r *resident) drain() {
	for {
		select {
		case <-r.notices:
		default:
			return
		}
	}
}

func (r *resident) await(ctx context.Context, wanted func(notify.Notice) bool) (notify.Notice, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		select {
		case n := <-r.notices:
			if wanted(n) {
				return n, nil
			}
		case <-ctx.Done():
			return notify.Notice{}, fmt.Errorf("no notice came: %w", ctx.Err())
		}
	}
}

// driftChecks looks at everything that was applied.
func (r *resident) driftChecks(ctx context.Context, times int) error {
	return r.repeat(rowDrift, times, func() error {
		found, err := r.Drift(ctx)
		if err == nil && len(found.Incidents)+len(found.Unseen) > 0 {
			err = fmt.Errorf("%d incidents, %d hosts unseen", len(found.Incidents), len(found.Unseen))
		}
		return err
	})
}

// mostEvents is how many sabotages are measured, apart is the time between two: what comes on the heels of another that still fires is
// gathered with it for 150 ms, so that one cause is one message, and that is not what is measured here.
const (
	mostEvents = 100
	apart      = 200 * time.Millisecond
)

// eventsToAlerts changes one VM after the other behind everybody's back, each on a host of its own, and waits for the call
// of the sink.
func (r *resident) eventsToAlerts(ctx context.Context, _ int) error {
	var walls []time.Duration
	for n := range min(mostEvents, r.place.fleet.Turns()) {
		id, host := r.place.fleet.VM(n)
		at := schema.MakeID("vm", id).On(host)
		time.Sleep(apart)
		begun := time.Now()
		if err := r.world.Sabotage(at, "memory.now", 64<<20); err != nil {
			return err
		}
		if _, err := r.await(ctx, func(n notify.Notice) bool { return n.Object == at && n.Status == notify.Firing }); err != nil {
			return fmt.Errorf("cannot measure %s: %w", rowAlert, err)
		}
		walls = append(walls, time.Since(begun))
	}
	for n := range walls {
		id, host := r.place.fleet.VM(n)
		if err := r.world.Sabotage(schema.MakeID("vm", id).On(host), "memory.now", 128<<20); err != nil {
			return err
		}
	}
	slices.Sort(walls)
	r.report(measure{Row: rowAlert, Cost: meter.Cost{Wall: quantile(walls, 0.5)}, P99: quantile(walls, 0.99), Times: len(walls)})
	return nil
}

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/rs/zerolog"

	"plumbline/actuators/all"
	"plumbline/reconcile"
	"plumbline/reconcile/journal"
	"plumbline/reconcile/notify"
	"plumbline/reconcile/plan"
	"plumbline/reconcile/run"
	"plumbline/schema"
	"plumbline/sources/git"
	"plumbline/testenv/bench/fleet"
	"plumbline/testenv/bench/meter"
	"plumbline/testenv/sim"
)

// resident is a controller as `plumb run` wires it, in this process, over a model in memory. It is a process of its own, so
// that its memory is its own.
type resident struct {
	*reconcile.Controller
	place   *place
	world   *sim.World
	source  *git.Source
	store   *journal.Store
	pool    *schema.Pool
	bus     *notify.Bus
	notices chan notify.Notice
	report  func(measure)
}

// sink is where notices end.
type sink chan notify.Notice

func (s sink) Send(_ context.Context, n notify.Notice) error { s <- n; return nil }
func (s sink) String() string                                { return "bench" }

func openResident(ctx context.Context, p *place, report func(measure)) (*resident, error) {
	r := &resident{place: p, world: sim.New(all.Registry(), sim.Options{}), notices: make(chan notify.Notice, 1024), report: report}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	if r.source, err = git.Open(git.Config{URL: p.path("repo.git"), Interval: time.Hour}); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(p.path("state"), 0o700); err != nil {
		return nil, err
	}
	if r.store, err = journal.Open(p.path("state", "journal.db"), journal.Options{Version: "bench"}); err != nil {
		return nil, err
	}
	r.pool = schema.NewPool([]string{self, "eval"})
	r.bus = notify.NewBus(ctx, zerolog.Nop(), nil, nil, sink(r.notices))
	config := reconcile.Config{
		Repository: p.path("repo.git"), Branch: "main", Path: ".", State: p.path("state"), Parallel: 64,
		Limits: reconcile.Limits{Destroys: 1_000_000, Share: 1}, Drift: reconcile.DriftConfig{Interval: reconcile.Duration(time.Hour)},
	}
	r.Controller = reconcile.New(reconcile.Options{
		Config: config, Kinds: all.Registry(), Source: r.source, Store: r.store, Evaluator: r.pool, Version: "bench", Dial: r.world.Dial,
		Cache: schema.NewCache(filepath.Join(config.State, "cache", "eval")), Log: zerolog.Nop(), Tell: r.bus,
	})
	return r, nil
}

func (r *resident) close() error {
	r.Close()
	r.bus.Close()
	return errors.Join(r.pool.Close(), r.store.Close())
}

func (r *resident) planHead(ctx context.Context) (*plan.Plan, error) {
	head, err := r.source.Head(ctx)
	if err != nil {
		return nil, err
	}
	return r.Plan(ctx, head.ID)
}

// applyAll brings everything about, from nothing.
func (r *resident) applyAll(ctx context.Context) error {
	p, err := r.planHead(ctx)
	if err != nil {
		return err
	}
	stop := meter.Peak(os.Getpid())
	var cost meter.Cost
	apply := func() (err error) {
		cost, err = meter.Measure(func() error {
			result, err := r.Apply(ctx, p, nil)
			return errors.Join(err, allApplied(result, p))
		})
		return err
	}
	if r.place.fleet.Objects == profiled {
		err = profile(r.place.path("apply.pprof"), apply)
	} else {
		err = apply()
	}
	cost.Peak = stop()
	r.report(measure{Row: rowApply, Cost: cost, Note: fmt.Sprintf("%d steps", len(p.Steps))})
	return err
}

func allApplied(r run.Result, p *plan.Plan) error {
	if r.Verdict == run.Applied && len(p.Refusals) == 0 {
		return nil
	}
	return fmt.Errorf("cannot measure: the plan is %s, %d refusals", r.Verdict, len(p.Refusals))
}

// serveResident measures one size and writes a measure a line.
func serveResident(dir string, n, times int) error {
	p := &place{dir: dir, fleet: fleet.New(n)}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	out := json.NewEncoder(os.Stdout)
	var failed error
	r, err := openResident(ctx, p, func(m measure) { failed = errors.Join(failed, out.Encode(m)) })
	if err != nil {
		return err
	}
	if err := r.applyAll(ctx); err != nil {
		return err
	}
	following, follow := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- r.Run(following) }()
	err = r.whileItRuns(ctx, times)
	follow()
	if run := <-ended; !errors.Is(run, context.Canceled) {
		err = errors.Join(err, run)
	}
	return errors.Join(err, r.world.Save(p.path("model")), r.close(), failed)
}

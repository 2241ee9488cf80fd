package reconcile

import (
	"context"
	"errors"

	"plumbline/reconcile/plan"
	"plumbline/reconcile/run"
	"plumbline/schema"
)

// ErrNoStore means that this controller only looks: applying needs the store.
var ErrNoStore = errors.New("cannot apply without the state directory: this controller only looks")

// Apply runs a plan. Progress is called in order by one goroutine. One plan runs at a time; a second one waits.
func (c *Controller) Apply(ctx context.Context, p *plan.Plan, progress func(run.Event)) (run.Result, error) {
	if c.store == nil {
		return run.Result{}, ErrNoStore
	}
	c.applying.Lock()
	defer c.applying.Unlock()
	defer c.mask(p)()
	in := c.runInput(progress)
	in.Plan = p
	return run.Run(ctx, in)
}

// Resume takes up every plan that an earlier process left open: each of its lanes is completed or taken back.
func (c *Controller) Resume(ctx context.Context, progress func(run.Event)) ([]run.Result, error) {
	if c.store == nil {
		return nil, ErrNoStore
	}
	c.applying.Lock()
	defer c.applying.Unlock()
	return run.Resume(ctx, c.runInput(progress))
}

func (c *Controller) runInput(progress func(run.Event)) run.Input {
	return run.Input{
		Store: c.store, Hosts: c.hosts, Kinds: c.kinds, Epoch: c.store.Epoch(), Parallel: c.cfg.Parallel,
		Progress: progress, Log: c.log, Now: c.now,
	}
}

// mask keeps the drift watch from taking a plan's own changes for drift.
func (c *Controller) mask(p *plan.Plan) (unmask func()) {
	c.mu.Lock()
	engine := c.drift
	c.mu.Unlock()
	if engine == nil {
		return func() {}
	}
	var touched []schema.Instance
	for _, change := range p.Changes {
		touched = append(touched, change.Instance)
	}
	return engine.Mask(touched)
}

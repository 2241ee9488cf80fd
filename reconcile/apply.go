package reconcile

import (
	"context"
	"errors"
	"slices"

	"plumbline/actuators"
	"plumbline/reconcile/plan"
	"plumbline/reconcile/run"
	"plumbline/schema"
)

// ErrNoStore means that this controller only looks: applying needs the store.
var ErrNoStore = errors.New("cannot apply without the state directory: this controller only looks")

// Apply runs a plan. Progress is called in order by one goroutine. One plan runs at a time; a second one waits.
func (c *Controller) Apply(ctx context.Context, p *plan.Plan, progress func(run.Event)) (run.Result, error) {
	return c.apply(ctx, p, loop, progress)
}

func (c *Controller) apply(ctx context.Context, p *plan.Plan, by order, progress func(run.Event)) (run.Result, error) {
	if c.store == nil {
		return run.Result{}, ErrNoStore
	}
	c.applying.Lock()
	defer c.applying.Unlock()
	if err := c.thawed(); err != nil {
		return run.Result{}, err
	}
	if err := c.current(); err != nil {
		return run.Result{}, err
	}
	if c.idle(p) {
		return c.nothing(p), nil
	}
	defer c.mask(p)()
	in := c.runInput(progress)
	in.Plan, in.May = p, c.may(p, by)
	c.pulse.expect(p.Steps)
	defer c.boardApplied()
	defer c.audit.plan(p.ID, ordererOf(ctx, by))
	return run.Run(ctx, in)
}

// boardApplied writes on the board what is applied now, whoever ordered it. What cannot be read stays as it was.
func (c *Controller) boardApplied() {
	commits, err := c.store.Commits()
	if err != nil {
		return
	}
	inv, err := c.inventory()
	if err != nil {
		return
	}
	c.board.update(func(s *Status) { s.Applied, s.Objects = commits.Applied, objects(inv) })
}

// idle tells whether a plan would change nothing, not even what is remembered: it is not worth a line of the history, and a
// host that is away for a day would fill it.
func (c *Controller) idle(p *plan.Plan) bool {
	if commits, err := c.store.Commits(); err != nil || len(p.Refusals) == 0 && len(p.Lanes) == 0 && commits.Applied != p.Commit {
		return false
	}
	waits := waiting(p)
	for _, change := range p.Changes {
		if waits[change.Lane] == "" {
			return false
		}
	}
	return true
}

// waiting tells which lanes may not run, and why: those that are held, and those that need one of them.
func waiting(p *plan.Plan) map[int]run.Outcome {
	out := map[int]run.Outcome{}
	spoilt := false
	for more := true; more; { // once and again where lanes stand before those that they need
		before := len(out)
		for _, l := range p.Lanes {
			switch {
			case out[l.ID] != "":
			case l.Held != "":
				out[l.ID] = run.LaneHeld
			case slices.ContainsFunc(l.Needs, func(need int) bool { return out[need] != "" }), l.Last && spoilt:
				out[l.ID] = run.LaneBlocked
			}
			spoilt = spoilt || !l.Last && out[l.ID] != ""
		}
		more = len(out) > before
	}
	return out
}

// nothing is the result of an idle plan.
func (c *Controller) nothing(p *plan.Plan) run.Result {
	now := c.now()
	result := run.Result{Plan: p.ID, Commit: p.Commit, Verdict: run.Applied, Lanes: []run.LaneResult{}, BegunAt: now, EndedAt: now}
	if len(p.Refusals) > 0 {
		result.Verdict = run.Partly // as run.Run says it
	}
	waits := waiting(p)
	for _, l := range p.Lanes {
		result.Verdict = run.NotRun
		result.Lanes = append(result.Lanes, run.LaneResult{Lane: l.ID, Objects: l.Objects, Outcome: waits[l.ID], Err: l.Held})
	}
	return result
}

// Resume takes up every plan that an earlier process left open: each of its lanes is completed or taken back.
func (c *Controller) Resume(ctx context.Context, progress func(run.Event)) ([]run.Result, error) {
	if c.store == nil {
		return nil, ErrNoStore
	}
	c.applying.Lock()
	defer c.applying.Unlock()
	if err := c.thawed(); err != nil {
		return nil, err
	}
	if err := c.nameKnownHosts(); err != nil {
		return nil, err
	}
	if err := c.askWitnesses(ctx); err != nil {
		return nil, err
	}
	results, err := run.Resume(ctx, c.runInput(progress))
	for _, r := range results {
		c.audit.plan(r.Plan, interrupted)
	}
	return results, err
}

// nameKnownHosts tells the pool how ssh calls the hosts of what is applied and of open plans, before any commit is read.
func (c *Controller) nameKnownHosts() error {
	inv, err := c.inventory()
	if err != nil {
		return err
	}
	c.nameOwned(inv)
	plans, err := c.store.OpenPlans()
	var steps []actuators.Step
	for _, p := range plans {
		steps = append(steps, p.Steps...)
		for _, change := range p.Changes {
			c.nameHost(change.Instance.ID, change.Want)
		}
	}
	c.pulse.expect(steps)
	return err
}

func (c *Controller) runInput(progress func(run.Event)) run.Input {
	return run.Input{
		Store: c.store, Hosts: c.hosts, Kinds: c.kinds, Parallel: c.cfg.Parallel, HostsAtOnce: c.cfg.Limits.Hosts,
		Progress: progress, Log: c.log, Now: c.now, Reach: c.reaches,
	}
}

// mask keeps the drift watch from taking a plan's own changes for drift, and the mirror from knowing what is being changed.
func (c *Controller) mask(p *plan.Plan) (unmask func()) {
	c.mu.Lock()
	engine := c.drift
	c.mu.Unlock()
	var touched []schema.Instance
	for _, change := range p.Changes {
		touched = append(touched, change.Instance)
		if change.Was != "" {
			touched = append(touched, change.Was.On(change.Instance.Host))
		}
	}
	for _, step := range p.Steps {
		if step.Host != step.Instance.Host {
			touched = append(touched, step.Instance.ID.On(step.Host))
		}
	}
	open := func() {}
	if engine != nil {
		var changed []schema.Instance
		for _, step := range p.Steps {
			changed = append(changed, step.Instance)
		}
		open = engine.Mask(touched, changed)
	}
	return func() {
		c.mirror.Touch(touched...)
		open()
	}
}

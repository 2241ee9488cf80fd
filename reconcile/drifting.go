package reconcile

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"plumbline/reconcile/audit"
	"plumbline/reconcile/diff"
	"plumbline/reconcile/drift"
	"plumbline/reconcile/inventory"
	"plumbline/reconcile/notify"
	"plumbline/reconcile/plan"
	"plumbline/reconcile/run"
	"plumbline/schema"
	"plumbline/sources"
)

// newDrift wires the engine that watches what was applied. heal nil: it only tells.
func (c *Controller) newDrift(heal func(context.Context, []schema.Instance) error) *drift.Engine {
	return drift.New(c.driftOptions(heal))
}

func (c *Controller) driftOptions(heal func(context.Context, []schema.Instance) error) drift.Options {
	return drift.Options{
		Kinds: c.kinds, Hosts: c.hosts, Installation: c.installation(), Inventory: c.inventory, View: c.mirror, Verdicts: c.verdicts, Heal: heal,
		Tell: c.audit.watched(c.teller), Frozen: func() bool { return c.suspension() != "" }, May: c.mayHeal, Boot: c.boots.of, Policy: c.cfg.Drift.Heal,
		Interval: time.Duration(c.cfg.Drift.Interval), Hold: time.Duration(c.cfg.Drift.Hold), Gather: gatherFor, Alone: c.cfg.Drift.Alone, Flaps: c.cfg.Drift.Flaps,
		Ignore: c.Ignores, Remind: time.Duration(c.cfg.Drift.Remind), Now: c.now, Log: c.log,
	}
}

// oneLook is an engine that knows what was told, looks once, and tells nothing: one look is what it takes to see that
// something is over.
func (c *Controller) oneLook() *drift.Engine {
	o := c.driftOptions(nil)
	o.Hold = 0
	if o.Tell != nil {
		o.Tell = notify.PastOf(c.teller)
	}
	return drift.New(o)
}

// gatherFor is how long what fires waits for more of the same cause, so that one cause is one message.
const gatherFor = 150 * time.Millisecond

// startDrift watches in the background; the channel closes when it has ended.
func (c *Controller) startDrift(ctx context.Context) <-chan struct{} {
	ended := make(chan struct{})
	if c.cfg.Drift.Interval <= 0 {
		close(ended)
		return ended
	}
	engine := c.newDrift(func(ctx context.Context, instances []schema.Instance) error {
		_, err := c.Heal(ctx, instances, nil)
		return err
	})
	c.mu.Lock()
	c.drift = engine
	c.mu.Unlock()
	go func() {
		defer close(ended)
		if err := engine.Run(ctx); err != nil && ctx.Err() == nil {
			c.log.Error().Err(err).Msg("drift watch ended")
		}
	}()
	return ended
}

// Drifted is what is not as it was applied, and what nobody can say that of.
type Drifted struct {
	Incidents []drift.Incident `json:"incidents"`
	Groups    []drift.Group    `json:"groups"` // of one cause, told as one; their incidents name them
	Unseen    []HostError      `json:"unseen"`
}

// Drift looks once at everything that was applied and gives what differs, for a controller that does not run.
func (c *Controller) Drift(ctx context.Context) (Drifted, error) {
	inv, err := c.inventory()
	if err != nil {
		return Drifted{}, err
	}
	c.nameOwned(inv)
	engine := c.oneLook()
	engine.Sweep(ctx)
	return c.drifted(engine, inv), nil
}

// Incidents lists what the running engine holds open, and what it could not look at. Without an engine everything is
// looked at once.
func (c *Controller) Incidents(ctx context.Context) (Drifted, error) {
	c.mu.Lock()
	engine := c.drift
	c.mu.Unlock()
	if engine == nil {
		return c.Drift(ctx)
	}
	inv, err := c.inventory()
	if err != nil {
		return Drifted{}, err
	}
	return c.drifted(engine, inv), nil
}

func (c *Controller) drifted(e *drift.Engine, inv inventory.Inventory) Drifted {
	return Drifted{Incidents: e.Incidents(), Groups: e.Groups(), Unseen: append([]HostError{}, c.looks.unseen(inv)...)}
}

// Ack notes that somebody sees to what drifted, see drift.Engine; it tells what it did.
func (c *Controller) Ack(ctx context.Context, name string, ack drift.Ack) (string, error) {
	c.mu.Lock()
	engine := c.drift
	c.mu.Unlock()
	if engine == nil {
		return "", errors.New("this controller does not watch for drift")
	}
	until := ""
	if !ack.Until.IsZero() {
		until = " until " + ack.Until.Format(time.DateTime)
	}
	n := 0
	order := about(ctx, "ack", fmt.Sprintf("%s sees to %s%s: %s", ack.By, name, until, ack.Reason), schema.ParseInstance(name), "")
	err := c.audit.order(order, func() (err error) { n, err = engine.Ack(name, ack); return err })
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s sees to %d of %s%s", ack.By, n, name, until), nil
}

// open lists the incidents of the running engine, for the status and the meters.
func (c *Controller) open() []drift.Incident {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.drift == nil {
		return nil
	}
	return c.drift.Incidents()
}

// healAttempts is how often a heal is planned when what it found has changed before it could act: a host that comes back
// starts its own daemons, and somebody else may heal, too.
const healAttempts = 3

// Heal brings instances back to what was last applied to them, whatever a newer commit says; none = all that drifted. The
// result is that of the last plan it took.
func (c *Controller) Heal(ctx context.Context, instances []schema.Instance, listen func(run.Event)) (run.Result, error) {
	if c.store == nil {
		return run.Result{}, ErrNoStore
	}
	if listen != nil { // a person waits for it
		c.hosts.Retry()
	}
	for attempt := 1; ; attempt++ {
		by := loop
		if listen != nil {
			by = person
		}
		p, err := c.planHeal(ctx, instances, by)
		if err != nil {
			return run.Result{}, err
		}
		result, err := c.ordered(ctx, "heal", p, by, c.both(listen))
		if err == nil && result.Replan && attempt < healAttempts {
			continue
		}
		if err == nil {
			err = leftOut(p.Refusals)
		}
		return result, err
	}
}

// ErrLeftOut means that something was refused; the rest was done.
var ErrLeftOut = errors.New("left out")

func leftOut(refusals []diff.Refusal) error {
	if len(refusals) == 0 {
		return nil
	}
	lines := make([]string, len(refusals))
	for i, r := range refusals {
		lines[i] = fmt.Sprintf("%s is %s: %s", r.Instance, r.Class, r.Text)
	}
	return fmt.Errorf("%w: %s", ErrLeftOut, strings.Join(lines, "\n"))
}

// planHeal plans what Heal does.
func (c *Controller) planHeal(ctx context.Context, instances []schema.Instance, by order) (*plan.Plan, error) {
	inv, err := c.inventory()
	if err != nil {
		return nil, err
	}
	commits, err := c.memory.Commits()
	if err != nil {
		return nil, err
	}
	wanted := map[schema.Instance]bool{}
	for _, i := range instances {
		if inv[i] == nil {
			return nil, fmt.Errorf("cannot heal %s: nothing of this name was applied", i)
		}
		wanted[i] = true
	}
	graph := inventoryGraph(inv, commits.Applied)
	graph.Ignores = c.Ignores()
	c.nameHosts(graph)
	return c.planGraph(ctx, graph, scope{only: func(i schema.Instance) bool { return len(wanted) == 0 || wanted[i] }, by: by})
}

// inventoryGraph is the graph of what was last applied, for healing.
func inventoryGraph(inv inventory.Inventory, commit string) *schema.Graph {
	var objects []*schema.Object
	var nodes []*schema.Node
	byID := map[schema.ID]*schema.Object{}
	for i, entry := range inv {
		if entry.Retired != nil {
			continue
		}
		o := byID[i.ID]
		if o == nil {
			o = &schema.Object{ID: i.ID, Pos: entry.Pos, Spec: entry.Spec, Meta: schema.Meta{Drift: entry.Drift, Protect: entry.Protect}}
			byID[i.ID] = o
			objects = append(objects, o)
		}
		o.Hosts = append(o.Hosts, i.Host)
		nodes = append(nodes, &schema.Node{
			Instance: i, Object: o, Spec: entry.Spec, Hash: entry.Hash, After: entry.After, Needs: needs(entry), Provides: entry.Provides, Share: entry.Share,
		})
	}
	return schema.NewGraph(commit, objects, nodes)
}

func needs(entry *inventory.Entry) (uses []schema.Use) {
	for _, fact := range entry.Needs {
		uses = append(uses, schema.Use{Fact: fact})
	}
	return uses
}

func (c *Controller) both(listen func(run.Event)) func(run.Event) {
	return func(e run.Event) {
		c.onProgress(e)
		if listen != nil {
			listen(e)
		}
	}
}

// ErrStale means that a saved plan no longer says what would be done.
var ErrStale = errors.New("the plan is stale: what is live, or what was applied, changed since it was made; plan anew")

// ApplySaved runs a plan that was made earlier, if it is still what would be done.
func (c *Controller) ApplySaved(ctx context.Context, saved *plan.Plan, listen func(run.Event)) (run.Result, error) {
	_, fresh, err := c.planCommit(ctx, saved.Commit, person)
	if errors.Is(err, sources.ErrNoCommit) {
		return run.Result{}, fmt.Errorf("cannot apply: the plan is of %s, which is not in %s: %w", saved.Commit, c.cfg.Repository, err)
	}
	if err != nil {
		return run.Result{}, err
	}
	if fresh.EffectDigest != saved.EffectDigest {
		return run.Result{}, ErrStale
	}
	if err := c.related(ctx, saved.Commit); err != nil {
		return run.Result{}, err
	}
	by := person
	if back, err := c.goesBack(ctx, saved.Commit); err != nil {
		return run.Result{}, err
	} else if back {
		by = free
	}
	if _, err := c.trusted(ctx, saved.Commit); err != nil {
		return run.Result{}, err
	}
	result, err := c.ordered(ctx, "apply", fresh, by, c.both(listen))
	if err == nil {
		c.tellResult(fresh, result)
	}
	return result, err
}

// ordered runs a plan of somebody's, which is taken down before: a process that ends in the midst does not know it any more.
func (c *Controller) ordered(ctx context.Context, what string, p *plan.Plan, by order, progress func(run.Event)) (result run.Result, err error) {
	if by == loop || c.idle(p) {
		return c.apply(ctx, p, by, progress)
	}
	o := audit.Record{Action: what, By: ordererOf(ctx, by), Commit: p.Commit, Plan: p.ID, Effect: p.EffectDigest, Text: p.Summary()}
	err = c.audit.order(o, func() (err error) { result, err = c.apply(ctx, p, by, progress); return err })
	return result, err
}

// Release lets a parked effect (by the beginning of its digest) or a stuck instance be tried again.
func (c *Controller) Release(ctx context.Context, name string) (string, error) {
	parked, err := c.store.Parked()
	if err != nil {
		return "", err
	}
	for digest, p := range parked {
		if len(name) >= len("sha256:")+8 && len(name) <= len(digest) && digest[:len(name)] == name {
			order := about(ctx, "release", "the parked effect "+digest+" is tried again", schema.Instance{}, p.Commit)
			if err := c.audit.order(order, func() error { _, err := c.store.Unpark(digest); return err }); err != nil {
				return "", err
			}
			c.Reconsider()
			return fmt.Sprintf("the effect of commit %s is tried again", plan.ShortCommit(p.Commit)), nil
		}
	}
	stuck := schema.ParseInstance(name)
	err = c.audit.order(about(ctx, "release", name+" is free again", stuck, ""), func() error {
		was, err := c.store.Unstick(stuck)
		if err == nil && !was {
			err = fmt.Errorf("cannot resume %q: no parked effect and no stuck instance has this name", name)
		}
		return err
	})
	if err != nil {
		return "", err
	}
	c.mu.Lock()
	if c.drift != nil {
		c.drift.Forget()
	}
	c.mu.Unlock()
	c.Reconsider()
	return name + " is free again", nil
}

// Rewind accepts that the next head does not build on what was accepted before.
func (c *Controller) Rewind(ctx context.Context) error {
	order := about(ctx, "rewind", "the next head need not build on what was accepted before", schema.Instance{}, "")
	if err := c.audit.order(order, c.store.Rewind); err != nil {
		return err
	}
	c.Reconsider()
	return nil
}

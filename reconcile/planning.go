package reconcile

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"plumbline/actuators"
	"plumbline/reconcile/diff"
	"plumbline/reconcile/inventory"
	"plumbline/reconcile/plan"
	"plumbline/schema"
	"plumbline/sources"
)

// Plan compares one commit with the live state of everything that it declares or that we own.
func (c *Controller) Plan(ctx context.Context, commit string) (*plan.Plan, error) {
	_, p, err := c.planCommit(ctx, commit, loop)
	return p, err
}

// PlanLoaded is Plan that gives the topology of the commit, too. Ordered: it is for a person who orders what is in it.
func (c *Controller) PlanLoaded(ctx context.Context, commit string, ordered bool) (*schema.Graph, *plan.Plan, error) {
	by := loop
	if ordered {
		by = person
	}
	return c.planCommit(ctx, commit, by)
}

// PlanBack plans to go back to a commit, whatever is known of its age: nothing is destroyed for it, and no window holds it.
func (c *Controller) PlanBack(ctx context.Context, commit string) (*plan.Plan, error) {
	graph, err := c.Load(ctx, commit)
	if err != nil {
		return nil, err
	}
	return c.planGraph(ctx, graph, scope{by: free})
}

func (c *Controller) planCommit(ctx context.Context, commit string, by order) (*schema.Graph, *plan.Plan, error) {
	graph, err := c.Load(ctx, commit)
	if err != nil {
		return nil, nil, err
	}
	back, err := c.goesBack(ctx, commit)
	if err != nil {
		return nil, nil, err
	}
	if back {
		by = free
	}
	p, err := c.planGraph(ctx, graph, scope{purge: !back && c.buildsOn(ctx, commit), by: by})
	return graph, p, err
}

// buildsOn tells whether a commit is known to build on the one that was applied last, or is it: an older one, and one of another
// history, may agree to a purge that nobody wants any more.
func (c *Controller) buildsOn(ctx context.Context, commit string) bool {
	if c.memory == nil {
		return true
	}
	commits, err := c.memory.Commits()
	if err == nil && (commits.Applied == "" || commits.Applied == commit) {
		return true
	}
	if err != nil {
		return false
	}
	if _, git := c.source.(sources.Signable); !git {
		return true // a plain directory has no history
	}
	on, err := c.source.Descends(ctx, commit, commits.Applied)
	return err == nil && on
}

// goesBack tells whether a commit is older than the newest one that was accepted: going back destroys nothing.
func (c *Controller) goesBack(ctx context.Context, commit string) (bool, error) {
	if c.memory == nil {
		return false, nil
	}
	commits, err := c.memory.Commits()
	if err != nil || commits.Highest == "" || commits.Highest == commit {
		return false, err
	}
	on, err := c.source.Descends(ctx, commit, commits.Highest)
	return !on, err
}

// scope says what of a commit is planned.
type scope struct {
	only   func(schema.Instance) bool // nil: all of it
	purge  bool                       // with what people agreed to destroy
	pushed bool                       // what Git changed; drift is left to those who are told of it
	by     order
	look   bool                                  // for a preview: what needs approval says so
	from   sources.Source                        // that has the commit; nil: the controller's
	make   func(diff.Result) (*plan.Plan, error) // orders what a comparison came to

	commits []string // whose approvals count; none: those of the commit itself
}

// planGraph plans a loaded commit.
func (c *Controller) planGraph(ctx context.Context, graph *schema.Graph, of scope) (*plan.Plan, error) {
	inv, err := c.inventory()
	if err != nil {
		return nil, err
	}
	return c.planWorld(ctx, graph, inv, c.Observe(ctx, graph, inv), of)
}

// comparer remembers between plans what did not differ. One plan compares at a time.
type comparer struct {
	mu sync.Mutex
	diff.Resident
}

func (c *comparer) compute(in diff.Input) diff.Result {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.Compute(in)
}

func (c *Controller) planWorld(ctx context.Context, graph *schema.Graph, inv inventory.Inventory, world *diff.World, of scope) (*plan.Plan, error) {
	if c.unfit != nil {
		return nil, c.unfit
	}
	in := diff.Input{
		Want: graph, World: world, Inventory: inv, Kinds: c.kinds, Installation: c.installation(),
		Limits: diff.Limits{Destroys: c.cfg.Limits.Destroys, Share: c.cfg.Limits.Share, Kinds: c.cfg.Limits.Kinds, Domain: c.cfg.Limits.Domain, Domains: c.cfg.Limits.Domains},
		Rules:  diff.Rules{Now: c.now(), Keep: c.cfg.Retire.keep(), Purge: of.purge},
	}
	result := c.comparer.compute(in)
	switch {
	case of.pushed:
		result = result.Pushed(in)
	case of.by == loop && of.only == nil:
		result = result.Told(in)
	}
	result, opens := c.wait(in, result, of.by)
	if of.only != nil {
		result = result.Only(of.only)
	}
	parked, base, err := c.parked()
	if err != nil {
		return nil, err
	}
	now := in.Rules.Now
	of.make = func(result diff.Result) (*plan.Plan, error) {
		return plan.Make(plan.Input{
			ID: fmt.Sprintf("%s-%.8s", now.UTC().Format("20060102T150405.000000000Z"), graph.Commit), CreatedAt: now, Observed: world.Oldest(), Base: base,
			Want: graph, Inventory: inv, Diff: result, Parked: parked, Atomic: c.cfg.Atomic, Self: c.own.marks(ctx, graph, inv),
		})
	}
	p, err := c.judged(ctx, in, result, base, of)
	if err == nil {
		err = c.approved(ctx, p, inv, base, of)
	}
	if err != nil {
		return nil, err
	}
	p.Opens, p.Windows, p.Suspended = opens, c.windows.Report(now), c.suspension()
	c.setDeadlines(p.Steps)
	return p, nil
}

// setDeadlines gives steps that want a confirmation the deadline that is configured, if one is.
func (c *Controller) setDeadlines(steps []actuators.Step) {
	for i := range steps {
		if steps[i].Confirm > 0 && c.cfg.Confirm > 0 {
			steps[i].Confirm = time.Duration(c.cfg.Confirm)
		}
	}
}

// installation is our mark's; without a memory it is nobody's, and everything marked is foreign.
func (c *Controller) installation() string {
	if c.memory == nil {
		return ""
	}
	return c.memory.Installation()
}

// parked tells which effects failed earlier and why they are held, and the last applied commit.
func (c *Controller) parked() (held map[string]string, base string, err error) {
	if c.memory == nil {
		return nil, "", nil
	}
	commits, err := c.memory.Commits()
	if err != nil {
		return nil, "", err
	}
	all, err := c.memory.Parked()
	if err != nil {
		return nil, "", err
	}
	held = map[string]string{}
	for digest, p := range all {
		held[digest] = fmt.Sprintf("the same effect failed with commit %s (%s); change it, or \"plumb resume %.19s\"", plan.ShortCommit(p.Commit), p.Reason, digest)
	}
	return held, commits.Applied, nil
}

func decode(data json.RawMessage, into any) error { return json.Unmarshal(data, into) }

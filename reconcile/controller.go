package reconcile

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"plumbline/actuators"
	"plumbline/reconcile/drift"
	"plumbline/reconcile/inventory"
	"plumbline/reconcile/journal"
	"plumbline/reconcile/mirror"
	"plumbline/reconcile/notify"
	"plumbline/reconcile/run"
	"plumbline/reconcile/window"
	"plumbline/schema"
	"plumbline/sources"
)

// Options are what a Controller is wired from. Evaluator, Dial and Now have defaults.
type Options struct {
	Config    Config
	Kinds     *actuators.Registry
	Source    sources.Source
	Store     *journal.Store // nil: nothing is applied
	Memory    Memory         // what is remembered, for planning without the store itself; nil: the store, or nothing
	Log       zerolog.Logger
	Evaluator schema.Evaluator
	Fresh     schema.Evaluator // for commits of strangers; nil: Evaluator
	Cache     *schema.Cache    // what evaluations gave; nil: kept in memory
	Dial      Dialer           // nil: by the transports of Config
	Version   string
	Tell      notify.Teller // nil: nobody is told
	Again     time.Duration // how soon a head is considered anew that could not be applied in full; 0 = 10 s
	Now       func() time.Time
}

// Memory is what planning needs to know of the past. journal.Store is one; so is a running controller, asked through its
// socket.
type Memory interface {
	Installation() string
	Inventory() (inventory.Inventory, error)
	Commits() (journal.Commits, error)
	Parked() (map[string]journal.Parked, error)
}

// Controller plans and applies commits of one repository to one datacenter.
type Controller struct {
	cfg    Config
	kinds  *actuators.Registry
	source sources.Source
	store  *journal.Store
	memory Memory
	hosts  *Hosts
	eval   schema.Evaluator
	fresh  schema.Evaluator // for commits of strangers
	cache  *schema.Cache
	log    zerolog.Logger
	now    func() time.Time

	windows    window.Set
	unfit      error      // why the rules of the configuration cannot be judged by; then nothing is planned
	applying   sync.Mutex // one plan runs at a time
	identities identities
	blindness  blindness
	board      board
	pulse      pulse
	own        own
	loaded     atomic.Pointer[schema.Graph] // of the commit that was loaded last
	nudge      chan struct{}                // somebody asks to consider the head again
	hint       chan struct{}                // somebody tells that there may be a new one
	handled    string                       // head that was considered; the loop's own
	unfinished bool                         // and something kept it from being applied in full that may pass by itself
	froze      string                       // the freeze that is in force; the loop's own
	suspending sync.Mutex                   // the file of the suspension, with what is told of it
	stood      bool                         // there was one at the last look; under suspending
	opens      time.Time                    // when a change window lets through what it held; the loop's own
	replanned  bool                         // the head was planned anew at once because something had changed meanwhile
	again      time.Duration                // how soon that is tried again
	looks      looks
	epochs     epochs
	clocks     clocks
	boots      boots
	comparer   comparer
	mirror     *mirror.Mirror
	question   question
	verdicts   *drift.Verdicts
	teller     notify.Teller
	audit      *auditing // nil: no trail is written
	news       news

	mu        sync.Mutex
	graph     *schema.Graph   // of the last considered commit
	ignores   []schema.Ignore // nil: not read yet
	listeners map[int]func(run.Event)
	drift     *drift.Engine // while Run runs
}

// New wires a controller. Close it when done.
func New(o Options) *Controller {
	c := &Controller{cfg: o.Config, kinds: o.Kinds, source: o.Source, store: o.Store, memory: o.Memory, eval: o.Evaluator, cache: o.Cache, log: o.Log, now: o.Now,
		nudge: make(chan struct{}, 1), hint: make(chan struct{}, 1), listeners: map[int]func(run.Event){}, teller: o.Tell, again: o.Again}
	if c.memory == nil && o.Store != nil {
		c.memory = o.Store
	}
	c.windows, c.unfit = window.Parse(c.cfg.rules())
	c.own = newOwn(c.cfg)
	if c.eval == nil {
		c.eval = schema.InProcess()
	}
	if c.fresh = o.Fresh; c.fresh == nil {
		c.fresh = c.eval
	}
	if c.cache == nil {
		c.cache = schema.NewCache("")
	}
	if c.now == nil {
		c.now = time.Now
	}
	if c.again == 0 {
		c.again = again
	}
	dial := o.Dial
	if dial == nil {
		dial = newReach(o).dial
	}
	c.identities.path, c.identities.looking = identityFile(o.Config.State), c.store == nil
	if c.store != nil {
		dial = checked(dial, c.identities.check, c.witness, c.compareClock, c.boots.note)
	} else {
		dial = checked(dial, c.identities.check, c.boots.note)
	}
	c.hosts = NewHosts(dial)
	c.pulse.rests = make(chan struct{})
	c.mirror, c.verdicts = c.newMirror(), drift.NewVerdicts()
	if c.store != nil {
		c.audit = c.newAuditing()
	}
	return c
}

// Close ends all connections, when what was done is in the audit trail. It leaves store and source to their owner.
func (c *Controller) Close() {
	c.hosts.Close()
	c.audit.close()
}

// ErrEmpty means that a commit declares nothing while something is applied.
var ErrEmpty = errors.New("cannot apply an empty topology over one that is not: nothing is taken away because a commit is empty; remove objects in commits that still declare the rest")

// Load reads and validates one commit; the error is schema.Problems for mistakes in it. The graph is not to be changed: it is
// given again for the same commit.
func (c *Controller) Load(ctx context.Context, commit string) (*schema.Graph, error) {
	inv, err := c.inventory()
	if err != nil {
		return nil, err
	}
	graph := c.loaded.Load()
	if graph == nil || graph.Commit != commit {
		tree, err := treeOf(ctx, c.source, commit)
		if err != nil {
			return nil, err
		}
		graph, err = schema.Load(ctx, tree, commit, c.kinds, schema.WithEvaluator(c.eval), schema.WithCache(c.cache), schema.WithFormer(formerProvider(inv)))
		if err != nil {
			return nil, err
		}
		if err := checkPolicies(ctx, c.eval, tree); err != nil {
			return nil, err
		}
		c.loaded.Store(graph)
	}
	if len(graph.Nodes) == 0 && len(inv) > 0 {
		return nil, ErrEmpty
	}
	c.nameHosts(graph)
	return graph, nil
}

// treeOf is the content of a commit. A directory takes its snapshot when it is asked for its head.
func treeOf(ctx context.Context, source sources.Source, commit string) (fs.FS, error) {
	tree, err := source.Tree(ctx, commit)
	if !errors.Is(err, sources.ErrNoCommit) {
		return tree, err
	}
	if _, err := source.Head(ctx); err != nil {
		return nil, err
	}
	return source.Tree(ctx, commit)
}

// formerProvider tells which object provided a fact when it was last applied.
func formerProvider(inv inventory.Inventory) func(schema.Fact) schema.ID {
	return func(f schema.Fact) schema.ID {
		for _, entry := range inv {
			for _, use := range entry.Provides {
				if use.Fact == f && entry.Retired == nil {
					return entry.Instance.ID
				}
			}
		}
		return ""
	}
}

func (c *Controller) inventory() (inventory.Inventory, error) {
	if c.memory == nil {
		return inventory.Inventory{}, nil
	}
	return c.memory.Inventory()
}

// nameHosts tells the pool how ssh calls each host.
func (c *Controller) nameHosts(g *schema.Graph) {
	for _, o := range g.Objects {
		c.nameHost(o.ID, o.Spec)
	}
}

// nameOwned is nameHosts of what was last applied.
func (c *Controller) nameOwned(inv inventory.Inventory) {
	for i, entry := range inv {
		if entry.Retired == nil {
			c.nameHost(i.ID, entry.Spec)
		}
	}
}

func (c *Controller) nameHost(id schema.ID, data json.RawMessage) {
	var spec struct {
		SSH string `json:"ssh"`
	}
	if id.Kind() == "host" && len(data) > 0 && decode(data, &spec) == nil {
		c.hosts.Name(id.Name(), spec.SSH)
	}
}

// Status tells what the loop is doing and what came of the head.
func (c *Controller) Status() Status {
	s := c.board.Status()
	s.Looks, s.Windows = c.looks.hosts(), c.windows.Report(c.now())
	if why := c.frozen(); why != "" {
		s.Suspended = why
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.drift != nil {
		s.drifted(c.drift)
	}
	return s
}

// Reconsider makes the loop consider the head anew.
func (c *Controller) Reconsider() { signalOnce(c.nudge) }

// Look makes the loop ask the repository at once. A head that was held because nobody was shown it is considered anew.
func (c *Controller) Look() {
	if c.board.Status().Unseen != "" {
		c.Reconsider()
	}
	signalOnce(c.hint)
}

// Listen calls back for everything that a run does, until stop is called.
func (c *Controller) Listen(callback func(run.Event)) (stop func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := len(c.listeners)
	for c.listeners[key] != nil {
		key++
	}
	c.listeners[key] = callback
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.listeners, key)
	}
}

func (c *Controller) listening() []func(run.Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make([]func(run.Event), 0, len(c.listeners))
	for _, l := range c.listeners {
		out = append(out, l)
	}
	return out
}

func (c *Controller) setGraph(g *schema.Graph) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.graph = g
}

func (c *Controller) notify(n notify.Notice) {
	if c.teller != nil {
		c.teller.Commit(nil, n)
	}
}

package drift

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"plumbline/actuators"
	"plumbline/reconcile/diff"
	"plumbline/reconcile/exec"
	"plumbline/reconcile/inventory"
	"plumbline/reconcile/notify"
	"plumbline/schema"
)

// Hosts hands out executors by host name.
type Hosts interface {
	Get(ctx context.Context, host string) (exec.Executor, error)
	Drop(host string)
}

// View looks at hosts; mirror.Mirror is one. Looks are never nil, and their At is when they began, or when they were found to
// be true still.
type View interface {
	// Look looks at all of a kind on a host, or at its targets.
	Look(ctx context.Context, host, kind string, scope actuators.Scope) *diff.Look
	// Sweep answers for kinds of a host, and may spare looks that a stamp of the host makes needless.
	Sweep(ctx context.Context, host string, scopes map[string]actuators.Scope) []*diff.Look
	// Heard and Deaf tell it what the watch of a kind on a host said, and that it ended.
	Heard(host, kind string, e actuators.Event)
	Deaf(host, kind string)
}

// Options wire an engine. Verdicts, Heal, Frozen, May, Boot and Tell may be nil.
type Options struct {
	Kinds        *actuators.Registry
	Hosts        Hosts
	Installation string
	Inventory    func() (inventory.Inventory, error)
	View         View
	Verdicts     *Verdicts // nil: of this engine alone
	Heal         func(ctx context.Context, instances []schema.Instance) error
	Tell         notify.Teller
	Frozen       func() bool                // nothing may be healed now
	May          func(schema.Instance) bool // may it be healed now; nil: all may
	Boot         func(host string) string   // the boot that a host answered with last; "" or nil: not known
	Policy       map[string]string          // by kind: alert | heal | ask
	Interval     time.Duration              // of the full sweep
	Hold         time.Duration              // how long an incident is seen to be over before it is resolved; 0: once
	Gather       time.Duration              // how long what fires waits for more of the same cause; 0: for what the same looks saw
	Alone        int                        // how many incidents of one cause are told one by one; 0: all
	Flaps        int                        // how often an instance may come back within an hour; 0: as often as it does
	Remind       time.Duration              // how often what fires for long is told again; 0: never
	Ignore       func() []schema.Ignore     // rules of the repository; nil: there are none
	Now          func() time.Time
	Log          zerolog.Logger
}

// Engine watches what was last applied.
type Engine struct {
	Options
	owned  *owned
	visits *visits

	mu        sync.Mutex
	incidents map[schema.Instance]*Incident
	masked    map[schema.Instance]int       // being changed by ourselves
	fresh     map[schema.Instance]time.Time // looks from before say nothing
	seen      map[schema.Instance]time.Time // newest look at it alone
	good      map[schema.Instance]time.Time // when it was seen as applied by such a look, or again
	newest    map[place]*verdict
	past      map[schema.Instance]*past
	changed   map[schema.Instance]time.Time // when a plan of ours last did something there
	pending   map[schema.Instance]*Incident // they fire, and wait for others of their cause
	gathering time.Time                     // since when
	gathered  time.Time                     // when the last one came
	single    bool                          // only one gathers, before which it was quiet
	toldAt    time.Time                     // when something that had gathered was told
	toldLast  []*Incident                   // what that was
	asking    int                           // questions under way about who did it
	groups    map[string]*Group             // by cause
	members   map[string]int                // open incidents of each
	reminded  time.Time
	boots     map[string]*boot    // by host
	silent    map[string]*silence // hosts of which something does not answer
	withheld  bool                // too much drifts to be healed, and that was told
	outbox    []notify.Notice
	dirty     map[string]json.RawMessage // state to be written down with them
	later     *time.Timer                // tells what gathers
	ended     bool

	telling sync.Mutex    // notices leave in order
	fired   chan struct{} // something may be healed
	applied chan struct{} // something was applied
}

// place is a kind on a host; an empty kind is all kinds of it.
type place struct{ host, kind string }

func placeOf(i schema.Instance) place { return place{i.Host, i.ID.Kind()} }

// New makes an engine; Run starts it.
func New(o Options) *Engine {
	if o.Verdicts == nil {
		o.Verdicts = NewVerdicts()
	}
	e := &Engine{
		Options: o, owned: &owned{read: o.Inventory}, visits: newVisits(), newest: map[place]*verdict{}, seen: map[schema.Instance]time.Time{},
		incidents: map[schema.Instance]*Incident{}, masked: map[schema.Instance]int{}, fresh: map[schema.Instance]time.Time{},
		good: map[schema.Instance]time.Time{}, past: map[schema.Instance]*past{}, silent: map[string]*silence{}, boots: map[string]*boot{}, dirty: map[string]json.RawMessage{},
		changed: map[schema.Instance]time.Time{}, pending: map[schema.Instance]*Incident{}, groups: map[string]*Group{}, members: map[string]int{},
		fired: make(chan struct{}, 1), applied: make(chan struct{}, 1),
	}
	e.recall()
	return e
}

// confirmMost is the longest that a suspicion waits for its second look.
const confirmMost = time.Second

// confirmAfter is how soon a suspicion is looked at again.
func (e *Engine) confirmAfter() time.Duration { return min(confirmMost, e.Interval/4) }

// sweepEvery leaves room for the second look, so that a change is told within the interval:
//
//	sweepEvery + confirmAfter + half of that until the tick that sees it < Interval
func (e *Engine) sweepEvery() time.Duration { return e.Interval - 2*e.confirmAfter() }

// Run watches until the context ends: events where a kind gives them, a full sweep at the start and in every interval. Looks
// and healing never wait for each other. When it returns, everything that it started has ended.
func (e *Engine) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	watchers := newWatchers(ctx, e)
	var healer sync.WaitGroup
	healer.Go(func() { e.keepHealing(ctx) })
	e.visits.start(ctx, e.visit)
	defer func() {
		cancel()
		e.visits.stop()
		watchers.all.Wait()
		healer.Wait()
		e.finish()
	}()
	sweep, confirm := time.NewTicker(e.sweepEvery()), time.NewTicker(e.confirmAfter()/2)
	defer sweep.Stop()
	defer confirm.Stop()
	e.visitAll()
	watchers.follow()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-sweep.C:
			e.owned.forget()
			e.visitAll()
			watchers.follow()
		case <-e.applied:
			watchers.follow()
		case <-confirm.C:
			e.settle()
		}
	}
}

// Sweep looks at everything that was applied, and again at what differs, and gives the open incidents, sorted into groups and
// muted as Run does it: for `plumb drift`.
func (e *Engine) Sweep(ctx context.Context) []Incident {
	e.together(ctx, e.hosts())
	e.together(ctx, e.suspected(e.Now()))
	e.mu.Lock()
	for _, i := range e.incidents {
		e.hush(i)
	}
	e.mu.Unlock()
	e.finish()
	return e.Incidents()
}

// together looks at places, hosts in parallel, and waits for all of them.
func (e *Engine) together(ctx context.Context, places []place) {
	byHost := map[string][]place{}
	for _, p := range places {
		byHost[p.host] = append(byHost[p.host], p)
	}
	var hosts sync.WaitGroup
	for _, list := range byHost {
		hosts.Go(func() {
			for _, p := range list {
				e.visit(ctx, p, nil)
			}
		})
	}
	hosts.Wait()
}

// Mask keeps our own changes from being taken for drift. After unmask only looks that begin later count, and two of them
// have to differ: what we did may still be settling. Those of changed are where steps are to be done.
func (e *Engine) Mask(instances, changed []schema.Instance) (unmask func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, i := range instances {
		e.masked[i]++
	}
	for _, i := range changed {
		e.changed[i] = e.Now()
	}
	return sync.OnceFunc(func() { e.unmask(instances) })
}

func (e *Engine) unmask(instances []schema.Instance) {
	e.Forget()
	e.mu.Lock()
	for _, i := range instances {
		if e.masked[i]--; e.masked[i] == 0 {
			delete(e.masked, i)
		}
		e.fresh[i] = e.Now()
	}
	e.mu.Unlock()
	for _, i := range instances {
		e.visits.ask(placeOf(i), nil)
	}
	signal(e.applied)
}

// Forget has the inventory read again: something in it was changed beside the engine.
func (e *Engine) Forget() { e.owned.forget() }

func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Incidents lists what is open, sorted by instance.
func (e *Engine) Incidents() []Incident {
	e.mu.Lock()
	defer e.mu.Unlock()
	out := make([]Incident, 0, len(e.incidents))
	for _, i := range e.incidents {
		out = append(out, *i)
	}
	slices.SortFunc(out, func(a, b Incident) int { return a.Instance.Compare(b.Instance) })
	return out
}

// Firing counts the incidents that fire.
func (e *Engine) Firing() int {
	n := 0
	for _, i := range e.Incidents() {
		if i.Open() {
			n++
		}
	}
	return n
}

// tell hands on what was decided under the lock, in order and without the lock, with the state that goes with it.
func (e *Engine) tell() {
	e.telling.Lock()
	defer e.telling.Unlock()
	e.mu.Lock()
	e.sortWhenRipe()
	state, out := e.dirty, e.outbox
	e.dirty, e.outbox = map[string]json.RawMessage{}, nil
	e.mu.Unlock()
	if e.Tell != nil && len(state)+len(out) > 0 {
		e.Tell.Commit(state, out...)
	}
}

// sortWhenRipe tells what gathered, or comes back to it.
func (e *Engine) sortWhenRipe() {
	if len(e.pending) == 0 {
		return
	}
	wait := e.ripe(e.Now())
	if wait <= 0 || e.ended {
		e.sort()
		return
	}
	if e.later == nil {
		e.later = time.AfterFunc(wait, e.tell)
	} else {
		e.later.Reset(wait)
	}
}

// finish tells what still gathers.
func (e *Engine) finish() {
	e.mu.Lock()
	e.ended = true
	if e.later != nil {
		e.later.Stop()
	}
	e.mu.Unlock()
	e.tell()
}

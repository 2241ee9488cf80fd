package drift

import (
	"context"
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

// Options wire an engine.
type Options struct {
	Kinds        *actuators.Registry
	Hosts        Hosts
	Installation string
	Inventory    func() (inventory.Inventory, error)
	Look         func(ctx context.Context, host, kind string, scope actuators.Scope) *diff.Look
	Heal         func(ctx context.Context, instances []schema.Instance) error
	Notify       func(notify.Notice)
	Frozen       func() bool       // nothing may be healed now
	Policy       map[string]string // by kind: alert | heal
	Interval     time.Duration     // of the full sweep
	Now          func() time.Time
	Log          zerolog.Logger
}

// Engine watches what was last applied.
type Engine struct {
	Options
	mu        sync.Mutex
	incidents map[schema.Instance]*Incident
	masked    map[schema.Instance]int       // being changed by ourselves
	fresh     map[schema.Instance]time.Time // looks from before say nothing
	healed    map[schema.Instance][]time.Time
	looks     map[string]time.Time // last answer, by host and kind
	wake      chan place
}

type place struct{ host, kind string }

// New makes an engine; Run starts it.
func New(o Options) *Engine {
	return &Engine{
		Options: o, incidents: map[schema.Instance]*Incident{}, masked: map[schema.Instance]int{}, fresh: map[schema.Instance]time.Time{},
		healed: map[schema.Instance][]time.Time{}, looks: map[string]time.Time{}, wake: make(chan place, 1024),
	}
}

// Run watches until the context ends: events where a kind gives them, a full sweep at every interval.
func (e *Engine) Run(ctx context.Context) error {
	watchers := newWatchers(ctx, e)
	defer watchers.stop()
	tick := time.NewTicker(e.Interval)
	defer tick.Stop()
	confirm := time.NewTicker(confirmAfter)
	defer confirm.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
			e.sweep(ctx)
		case p := <-e.wake:
			e.visit(ctx, p, true)
		case <-confirm.C:
			e.confirm(ctx)
		}
		watchers.follow()
		e.heal(ctx)
	}
}

// confirmAfter is how soon a suspicion from a polled look is looked at again.
const confirmAfter = time.Second

// Sweep looks at everything that was applied, once, and gives the open incidents: for `plumb drift`.
func (e *Engine) Sweep(ctx context.Context) []Incident {
	e.sweep(ctx)
	e.confirm(ctx)
	return e.Incidents()
}

// Mask keeps our own changes from being taken for drift. After unmask only looks that begin later count.
func (e *Engine) Mask(instances []schema.Instance) (unmask func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, i := range instances {
		e.masked[i]++
	}
	return func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		for _, i := range instances {
			if e.masked[i]--; e.masked[i] == 0 {
				delete(e.masked, i)
			}
			e.fresh[i] = e.Now()
			e.nudge(place{i.Host, i.ID.Kind()})
		}
	}
}

// nudge asks for a look; it never blocks: a full queue means that a sweep is due anyway.
func (e *Engine) nudge(p place) {
	select {
	case e.wake <- p:
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

// Firing counts the incidents that were told and are not resolved.
func (e *Engine) Firing() int {
	n := 0
	for _, i := range e.Incidents() {
		if i.Phase == Firing {
			n++
		}
	}
	return n
}

package sim

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"plumbline/actuators"
	"plumbline/reconcile/exec"
)

// Options of a World; the zero value is a quick world without faults, in memory.
type Options struct {
	Seed    uint64           // of Latency's and Chaos's choices
	Latency time.Duration    // of each verb, on average: between half and one and a half of it
	Chaos   float64          // how many of 100 Dos go wrong by themselves: short failures, lost answers
	Dir     string           // keeps the model in files there; "": in memory
	Now     func() time.Time // nil: the machine's clock. With another one, what is not confirmed is undone when somebody comes by
}

// World is a modelled datacenter. A host is there as soon as somebody dials it or puts something on it.
type World struct {
	reg    *actuators.Registry
	opts   Options
	timers bool // the clock is the machine's

	conns atomic.Int64
	watch watchers

	mu     sync.Mutex
	random *rand.Rand
	hosts  map[string]*host
}

// New makes a world of the kinds of a registry.
func New(reg *actuators.Registry, o Options) *World {
	timers := o.Now == nil
	if timers {
		o.Now = time.Now
	}
	return &World{reg: reg, opts: o, timers: timers, random: rand.New(rand.NewPCG(o.Seed, 0)), hosts: map[string]*host{}, watch: watchers{open: map[string]map[*watcher]bool{}}}
}

// Dial connects to a host. It is a reconcile.Dialer.
func (w *World) Dial(ctx context.Context, name, _ string) (exec.Executor, error) {
	c := &conn{world: w, name: name, id: w.conns.Add(1)}
	if err := c.reach(ctx); err != nil {
		return nil, err
	}
	return c, nil
}

func (w *World) host(name string) *host {
	w.mu.Lock()
	defer w.mu.Unlock()
	h := w.hosts[name]
	if h == nil {
		h = &host{world: w, name: name, shelves: map[string]*shelf{}}
		w.hosts[name] = h
	}
	return h
}

// chance is a number from 0 to 1.
func (w *World) chance() float64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.random.Float64()
}

// wait passes the time that a verb takes.
func (w *World) wait(ctx context.Context) error {
	if w.opts.Latency <= 0 || ctx.Value(passed{}) != nil {
		return ctx.Err()
	}
	timer := time.NewTimer(time.Duration((0.5 + w.chance()) * float64(w.opts.Latency)))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// passed marks a verb whose time has passed already.
type passed struct{}

func atOnce(ctx context.Context) context.Context { return context.WithValue(ctx, passed{}, true) }

func (w *World) kind(name string) (*actuators.Kind, error) {
	k, ok := w.reg.Kind(name)
	if !ok {
		return nil, fmt.Errorf("cannot find kind %q: this version of plumb does not know it", name)
	}
	return k, nil
}

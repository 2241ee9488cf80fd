package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"plumbline/actuators"
	"plumbline/reconcile/exec"
	"plumbline/reconcile/plan"
	"plumbline/schema"
)

const (
	lookTimeout = 30 * time.Second       // of one look
	freshFor    = 2 * time.Second        // a look this young is not repeated before a step
	firstPause  = 20 * time.Millisecond  // between looks, doubled each time
	longPause   = 500 * time.Millisecond // at most
)

// seen is what a look found of one instance.
type seen struct {
	here    json.RawMessage // nil = absent
	retired json.RawMessage
	mark    *actuators.Mark
	at      time.Time
}

// look observes one instance, and remembers what it saw.
func (r *runner) look(ctx context.Context, i schema.Instance, spec json.RawMessage) (seen, error) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	host, err := r.host(ctx, i.Host)
	if err != nil {
		return seen{}, err
	}
	found, err := host.Observe(ctx, i.ID.Kind(), actuators.Scope{Targets: []actuators.Target{{ID: i.ID, Spec: spec}}})
	if err != nil {
		r.dropBroken(i.Host, host, err)
		return seen{}, fmt.Errorf("cannot look at it: %w", err)
	}
	s := r.pick(found, i.ID)
	s.at = r.in.Now()
	r.remember(i, s)
	return s, nil
}

// pick gathers what is there of an object; ours goes before a foreign thing of the same name.
func (r *runner) pick(found []actuators.Observed, id schema.ID) seen {
	var s seen
	for _, f := range found {
		ours := f.Mark != nil && f.Mark.Installation == r.in.Store.Installation()
		switch {
		case f.ID != id:
		case f.Retired:
			s.retired = f.State
		case s.here == nil || ours:
			s.here, s.mark = f.State, f.Mark
		}
	}
	return s
}

func (r *runner) remember(i schema.Instance, s seen) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.looks[i] = s
}

// recent is a look that is young enough to act on, made now if there is none.
func (r *runner) recent(ctx context.Context, i schema.Instance, spec json.RawMessage) (seen, error) {
	r.mu.Lock()
	s, ok := r.looks[i]
	r.mu.Unlock()
	if ok && r.in.Now().Sub(s.at) < freshFor {
		return s, nil
	}
	return r.look(ctx, i, spec)
}

// errChanged stops a lane whose objects are not as the plan saw them.
var errChanged = errors.New("changed since the plan was made; a new plan is needed")

// unchanged looks whether an instance is still as the plan saw it, here and where its steps work elsewhere.
func (r *runner) unchanged(ctx context.Context, t *task) error {
	c := t.object.change
	s, err := r.recent(ctx, c.Instance, t.object.specs[c.Instance.Host])
	if err != nil {
		return err
	}
	if err := compareHave(c, s); err != nil {
		return err
	}
	for _, host := range slices.Sorted(maps.Keys(t.object.specs)) {
		if host == c.Instance.Host {
			continue
		}
		s, err := r.recent(ctx, c.Instance.ID.On(host), t.object.specs[host])
		if err != nil {
			return err
		}
		if ok, difference := actuators.SameConfig(c.Have.Elsewhere[host], s.here); !ok && c.Have.Elsewhere[host] != nil {
			return fmt.Errorf("%w: on %s %s", errChanged, host, difference)
		}
	}
	return nil
}

func compareHave(c *plan.Change, s seen) error {
	if ok, difference := actuators.SameConfig(c.Have.Here, s.here); !ok {
		return fmt.Errorf("%w: %s", errChanged, difference)
	}
	if s.here != nil && (c.Have.Mark == nil) != (s.mark == nil) {
		return fmt.Errorf("%w: its mark came or went", errChanged)
	}
	if c.Action == actuators.Restore || c.Action == actuators.Purge {
		if ok, difference := actuators.SameConfig(c.Have.Retired, s.retired); !ok {
			return fmt.Errorf("%w: set aside: %s", errChanged, difference)
		}
	}
	return nil
}

// await looks until the check is content, its error is final, or the time is over; the last reason is the error.
func (r *runner) await(ctx context.Context, t *task, limit time.Duration, check func(seen) (done bool, reason string, final error)) (seen, error) {
	deadline := r.in.Now().Add(limit)
	pause := firstPause
	for {
		s, err := r.look(ctx, t.place(), t.spec())
		reason := ""
		if err != nil {
			reason = err.Error()
		} else {
			done, why, final := check(s)
			if done || final != nil {
				return s, final
			}
			reason = why
		}
		if ctx.Err() != nil || !r.in.Now().Add(pause).Before(deadline) {
			if err != nil {
				return s, err
			}
			return s, errors.New(reason)
		}
		_ = r.in.Sleep(ctx, pause)
		pause = min(2*pause, longPause)
	}
}

// host is a connection, remembered as the one that is in use.
func (r *runner) host(ctx context.Context, name string) (exec.Executor, error) {
	host, err := r.in.Hosts.Get(ctx, name)
	if err != nil {
		if !errors.Is(err, exec.ErrUnreachable) {
			err = fmt.Errorf("%w: %w", exec.ErrUnreachable, err)
		}
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.inUse[name] = host
	return host, nil
}

// dropBroken closes the connection on which a call broke, so that the next call dials anew. When others share it, the
// first of them drops it; the rest must not drop the new one.
func (r *runner) dropBroken(name string, used exec.Executor, err error) {
	if !errors.Is(err, exec.ErrUnreachable) {
		return
	}
	r.mu.Lock()
	same := r.inUse[name] == used
	if same {
		delete(r.inUse, name)
	}
	r.mu.Unlock()
	if same {
		r.in.Hosts.Drop(name)
	}
}

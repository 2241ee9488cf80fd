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
	aside   int // things that are set aside; retired is the last
	mark    *actuators.Mark
	unknown string // why it could not be seen; then the rest says nothing
	at      time.Time
}

// err is why it could not be seen.
func (s seen) err() error {
	if s.unknown == "" {
		return nil
	}
	return fmt.Errorf("cannot look at it: %s", s.unknown)
}

// look observes one instance, by its targets, and remembers what it saw.
func (r *runner) look(ctx context.Context, i schema.Instance, targets []actuators.Target) (seen, error) {
	found, err := r.lookAt(ctx, i.Host, i.ID.Kind(), targets)
	if err != nil {
		return seen{}, err
	}
	s := found[i.ID]
	return s, s.err()
}

// lookAt observes instances of one kind on one host in one question, and remembers what it saw. When the connection breaks it
// asks once more over a new one.
func (r *runner) lookAt(ctx context.Context, name, kind string, targets []actuators.Target) (map[schema.ID]seen, error) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	found, err := r.observe(ctx, name, kind, targets)
	if errors.Is(err, errBroken) {
		found, err = r.observe(ctx, name, kind, targets)
	}
	if err != nil {
		return nil, err
	}
	at := r.in.Now()
	all := make(map[schema.ID]seen, len(targets))
	for _, target := range targets {
		all[target.ID] = seen{at: at}
	}
	for _, f := range found {
		if s, asked := all[f.ID]; asked {
			all[f.ID] = r.pick(s, f)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for id, s := range all {
		r.looks[id.On(name)] = s
	}
	return all, nil
}

// errBroken is a connection that was there and broke.
var errBroken = errors.New("the connection broke")

func (r *runner) observe(ctx context.Context, name, kind string, targets []actuators.Target) ([]actuators.Observed, error) {
	host, err := r.host(ctx, name)
	if err != nil {
		return nil, err
	}
	found, err := host.Observe(ctx, kind, actuators.Scope{Targets: targets})
	if err == nil {
		return found, nil
	}
	r.dropBroken(name, host, err)
	if errors.Is(err, exec.ErrUnreachable) {
		err = fmt.Errorf("%w: %w", errBroken, err)
	}
	return nil, fmt.Errorf("cannot look at it: %w", err)
}

// lookAhead looks in one question at those objects of tasks at which nobody looked a moment ago.
func (r *runner) lookAhead(ctx context.Context, host string, tasks []*task) error {
	if len(tasks) < 2 {
		return nil
	}
	now := r.in.Now()
	var targets []actuators.Target
	r.mu.Lock()
	for _, t := range tasks {
		if s, ok := r.looks[t.place()]; !ok || now.Sub(s.at) >= freshFor {
			targets = append(targets, t.targets()...)
		}
	}
	r.mu.Unlock()
	if len(targets) == 0 {
		return nil
	}
	_, err := r.lookAt(ctx, host, tasks[0].Instance.ID.Kind(), targets)
	return err
}

// pick adds a thing to what is there of an object; ours goes before a foreign thing of the same name.
func (r *runner) pick(s seen, f actuators.Observed) seen {
	ours := f.Mark != nil && f.Mark.Installation == r.installation
	switch {
	case f.Unknown != "":
		s.unknown = f.Unknown
	case f.Retired && f.Mark != nil && !ours:
	case f.Retired:
		s.retired, s.aside = f.State, s.aside+1
	case s.here == nil || ours:
		s.here, s.mark = f.State, f.Mark
	}
	return s
}

// recent is a look that is young enough to act on, made now if there is none.
func (r *runner) recent(ctx context.Context, i schema.Instance, targets []actuators.Target) (seen, error) {
	r.mu.Lock()
	s, ok := r.looks[i]
	r.mu.Unlock()
	if ok && r.in.Now().Sub(s.at) < freshFor {
		return s, s.err()
	}
	return r.look(ctx, i, targets)
}

// errChanged stops a lane whose objects are not as the plan saw them.
var errChanged = errors.New("changed since the plan was made; a new plan is needed")

// unchanged looks whether an instance is still as the plan saw it, here and where its steps work elsewhere.
func (r *runner) unchanged(ctx context.Context, t *task) error {
	c, targets := t.object.change, t.object.targets(t.Instance.Host)
	s, err := r.recent(ctx, c.Instance, targets)
	if err == nil && c.Was != "" {
		if s.here != nil {
			return fmt.Errorf("%w: something has its new name", errChanged)
		}
		s, err = r.recent(ctx, c.Was.On(c.Instance.Host), targets)
	}
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
		s, err := r.recent(ctx, c.Instance.ID.On(host), t.object.targets(host))
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

// watched is a task that is looked at until the check is content, its error is final, or the time is over; then the last
// reason is the error.
type watched struct {
	*task
	limit time.Duration
	blind bool // no look can tell
	check func(seen) (done bool, reason string, final error)
	seen  seen
	err   error
}

// await looks at tasks on one host, all in one question, until each has its outcome. Those that are nil are left out.
func (r *runner) await(ctx context.Context, host string, all []*watched) {
	begun := r.in.Now()
	open := slices.DeleteFunc(slices.Clone(all), func(w *watched) bool { return w == nil })
	for pause := firstPause; len(open) > 0; pause = min(2*pause, longPause) {
		targets := make([]actuators.Target, 0, len(open))
		for _, w := range open {
			targets = append(targets, w.targets()...)
		}
		found, err := r.lookAt(ctx, host, open[0].Instance.ID.Kind(), targets)
		now := r.in.Now()
		open = slices.DeleteFunc(open, func(w *watched) bool {
			if w.settle(found, err) {
				return true
			}
			return ctx.Err() != nil || !now.Add(pause).Before(begun.Add(w.limit))
		})
		if len(open) > 0 {
			_ = r.in.Sleep(ctx, pause)
		}
	}
}

// settle takes a look; it tells whether the outcome is final.
func (w *watched) settle(found map[schema.ID]seen, err error) bool {
	if err != nil {
		w.err = err
		return false
	}
	w.seen = found[w.Instance.ID]
	if w.err = w.seen.err(); w.err != nil {
		return false
	}
	done, reason, final := w.check(w.seen)
	if w.err = final; done || final != nil {
		return true
	}
	w.err = errors.New(reason)
	return false
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

package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"plumbline/actuators"
	"plumbline/reconcile/exec"
	"plumbline/reconcile/inventory"
	"plumbline/reconcile/journal"
	"plumbline/reconcile/plan"
	"plumbline/schema"
)

const (
	tries     = 3           // of a verb that may help itself, and of an undo
	tryPause  = time.Second // before the second try, doubled each time
	undoPause = time.Second
)

// object is an instance of the plan that has steps.
type object struct {
	change  *plan.Change
	specs   map[string]json.RawMessage // by host: how to look at it there
	former  json.RawMessage            // how to look at what is there under its earlier name
	tasks   []*task
	written *journal.Update // the inventory's change when its last step was done; nil = none, or taken back
}

// task is a step on its way.
type task struct {
	actuators.Step
	op        *actuators.ErasedOp
	lane      *lane
	object    *object
	waits     int     // steps and lanes that must be done before
	then      []*task // steps that need this one
	host      string
	number    int // in the plan
	rank      int // steps from here to the end of the longest way
	state     journal.State
	order     int // of begun
	have      json.RawMessage
	before    json.RawMessage
	err       error
	residue   string
	doneAt    time.Time
	startedAt time.Time
	took      time.Duration
	earlier   *task                           // the step of its instance before; nil = it is the first
	lost      func(ctx context.Context) error // of a step of what the controller stands on: what it reaches no more
	gate      bool                            // no step: what stands for a gate of the plan, or between two layers of a container
	under     *task                           // a stuck step that stands on this one: it must stay
	blocks    int                             // steps to be undone before this one
	beneath   []*task
	floor     []*task // those of beneath that this one stands on
}

// place is where the step's object is looked at.
func (t *task) place() schema.Instance { return t.Instance.ID.On(t.host) }

// targets is how to look at the step's object on its host, and at what it was before it was renamed.
func (t *task) targets() []actuators.Target { return t.object.targets(t.host) }

func (o *object) targets(host string) []actuators.Target {
	all := []actuators.Target{{ID: o.change.Instance.ID, Spec: o.specs[host]}}
	if o.former != nil {
		all = append(all, actuators.Target{ID: o.change.Was, Spec: o.former})
	}
	return all
}

func (t *task) first() bool { return t.object.tasks[0] == t }
func (t *task) last() bool  { return t.object.tasks[len(t.object.tasks)-1] == t }

// fail names the object and the op, once.
func (t *task) fail(err error) error {
	where := string(t.Instance.ID)
	if t.host != "" {
		where += " on " + t.host
	}
	return fmt.Errorf("%s: %s: %w", where, t.Op, err)
}

// ask looks whether the objects are as planned and asks whether Do would be accepted. It changes nothing.
func (r *runner) ask(ctx context.Context, c *crew) []outcome {
	out := make([]outcome, len(c.tasks))
	var first []*task
	for _, t := range c.tasks {
		if t.first() {
			first = append(first, t)
		}
	}
	err := r.lookAhead(ctx, c.host, first)
	for n, t := range c.tasks {
		if t.first() {
			if out[n].err = err; err == nil {
				out[n].err = r.unchanged(ctx, t)
			}
		}
	}
	r.call(ctx, exec.Preflight, c.tasks, out, nil)
	return out
}

// prepare gathers all that must be known before a step is begun.
func (r *runner) prepare(ctx context.Context, c *crew) []outcome {
	out := make([]outcome, len(c.tasks))
	err := r.lookAhead(ctx, c.host, c.tasks)
	for n, t := range c.tasks {
		if out[n].err = err; err != nil {
			continue
		}
		var s seen
		s, out[n].err = r.recent(ctx, t.place(), t.targets())
		t.have = s.here
	}
	r.whatIsThere(ctx, c.tasks)
	r.call(ctx, exec.Capture, c.tasks, out, func(n int, a exec.Answer) { c.tasks[n].before = a.Before })
	for n, t := range c.tasks {
		if out[n].err == nil {
			out[n].record = t.record(journal.Begun)
			out[n].record.Before, out[n].record.Have = t.before, t.have
		}
	}
	return out
}

func (t *task) record(state journal.State) *journal.Record {
	return &journal.Record{Lane: t.Lane, Step: t.ID, State: state}
}

// act does steps that were begun, and looks until their effect is there. When one fails, the lane's way back undoes it.
// Whatever Do said, the look decides; after an unknown outcome it goes on looking, after a plain error it looks once. Of what
// no look can show, Do's word counts.
func (r *runner) act(ctx context.Context, c *crew) []outcome {
	begun := r.in.Now()
	out := make([]outcome, len(c.tasks))
	looks := make([]*watched, len(c.tasks))
	for n, t := range c.tasks {
		looks[n], out[n].err = t.expected()
	}
	said := make([]error, len(c.tasks))
	r.call(ctx, exec.Do, c.tasks, out, func(n int, a exec.Answer) { said[n] = a.Err })
	for n, t := range c.tasks {
		switch {
		case looks[n] == nil:
		case errors.Is(said[n], exec.ErrFenced):
			out[n].err, looks[n] = said[n], nil
		case said[n] != nil && looks[n].blind && (t.Confirm == 0 || !unknown(said[n])): // else the confirmation tells
			out[n].err, looks[n] = said[n], nil
		case said[n] != nil && !unknown(said[n]):
			looks[n].limit = 0
		case t.Confirm > 0 && len(c.tasks) > 1:
			looks[n].limit = min(looks[n].limit, t.Confirm/2) // one that never shows leaves the others time for their confirmation
		case t.Confirm > 0:
			looks[n].limit = min(looks[n].limit, t.Confirm) // the host takes it back then
		}
	}
	r.await(ctx, c.host, looks)
	for n, t := range c.tasks {
		if looks[n] != nil {
			out[n].err = t.undone(said[n], looks[n])
		}
	}
	r.stillThere(ctx, c.tasks, out)
	r.confirm(ctx, c.tasks, out, begun)
	for n, t := range c.tasks {
		if looks[n] != nil && out[n].err == nil {
			out[n].record, out[n].err = r.done(t, looks[n].seen)
		}
	}
	return out
}

// expected is what a look must show after Do.
func (t *task) expected() (*watched, error) {
	predicted, err := t.op.Predict(t.Params, t.have)
	if err != nil {
		return nil, err
	}
	return &watched{task: t, limit: t.Timeout, blind: t.blind(predicted), check: func(s seen) (bool, string, error) { return t.reached(predicted, s) }}, nil
}

// blind tells whether a look shows the same before and after the step: of a wait, or of what only marks. Of a purge, what is set aside shows.
func (t *task) blind(predicted json.RawMessage) bool {
	same, _ := actuators.SameConfig(predicted, t.have)
	return same && t.Op != actuators.OpPurge
}

// undone is the error of a step whose effect could not be seen.
func (t *task) undone(said error, w *watched) error {
	switch {
	case w.err == nil:
		return nil
	case said != nil && t.Confirm > 0 && unknown(said):
		return fmt.Errorf("its host was not in reach while it was done, and takes it back: %w", said)
	case said != nil:
		return said
	case t.Confirm > 0:
		return fmt.Errorf("it was done, but could not be seen and confirmed within %s, and the host takes it back: %w", w.limit, w.err)
	}
	return fmt.Errorf("it was done, but does not show within %s: %w", w.limit, w.err)
}

// reached tells whether a look shows what the step decides, settled.
func (t *task) reached(predicted json.RawMessage, s seen) (done bool, reason string, final error) {
	if t.Op == actuators.OpPurge && s.aside > t.left() {
		return false, "it is still set aside", nil
	}
	ok, difference := actuators.Holds(predicted, t.have, s.here)
	if !ok {
		return false, difference, nil
	}
	settled, err := t.op.Settled(s.here)
	return settled && err == nil, "it has not settled", err
}

// left is how many things a purge leaves: those of the steps after it.
func (t *task) left() int {
	return len(t.object.tasks) - 1 - slices.Index(t.object.tasks, t)
}

func unknown(err error) bool {
	return errors.Is(err, exec.ErrUnknown) || errors.Is(err, exec.ErrUnreachable) || errors.Is(err, context.DeadlineExceeded)
}

// confirm tells the host over a new connection that it is still in reach, for those steps that want it and have no error.
// If it cannot, the host undoes them alone; the way back begins when their deadline is over, never beside it.
func (r *runner) confirm(ctx context.Context, tasks []*task, out []outcome, begun time.Time) {
	var failed bool
	r.confirmFresh(ctx, tasks, out, func(n int, err error) {
		failed = true
		out[n].err = fmt.Errorf("it was done, but could not be confirmed over a new connection, and the host takes it back: %w", err)
	})
	if !failed {
		return
	}
	var end time.Time
	for _, t := range tasks {
		if at := begun.Add(t.Confirm); at.After(end) {
			end = at
		}
	}
	if left := end.Sub(r.in.Now()); left > 0 {
		_ = r.in.Sleep(ctx, left)
	}
}

// confirmFresh confirms steps of one host over one connection, or over others when that breaks. Refused hears of those that
// could not be.
func (r *runner) confirmFresh(ctx context.Context, tasks []*task, out []outcome, refused func(n int, err error)) {
	var at []int
	limit := time.Duration(0)
	for n, t := range tasks {
		if t.Confirm > 0 && out[n].err == nil {
			at, limit = append(at, n), max(limit, t.Confirm)
		}
	}
	if len(at) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for try, pause := 1, tryPause; ; try, pause = try+1, 2*pause {
		answers := r.confirmOnce(ctx, tasks, at)
		broken := slices.ContainsFunc(answers, func(a exec.Answer) bool { return errors.Is(a.Err, exec.ErrUnreachable) })
		if broken && try < tries && r.in.Sleep(ctx, pause) == nil {
			continue
		}
		for k, a := range answers {
			if a.Err != nil {
				refused(at[k], a.Err)
			}
		}
		return
	}
}

func (r *runner) confirmOnce(ctx context.Context, tasks []*task, at []int) []exec.Answer {
	host, err := r.in.Hosts.Fresh(ctx, tasks[at[0]].host)
	if err == nil {
		defer host.Close()
	}
	return r.send(ctx, host, err, exec.Confirm, tasks, at)
}

// done is the record of a step that was seen to be done, and with the last step of an object its inventory entry.
func (r *runner) done(t *task, s seen) (*journal.Record, error) {
	record := t.record(journal.Done)
	if t.last() {
		u, err := r.recording(t.object.change, s)
		if err != nil {
			return nil, err
		}
		record.Update = &u
	}
	return record, nil
}

// recording is what the inventory remembers of a change that went through. A removal leaves an entry only when the look
// shows that the object was set aside.
func (r *runner) recording(c *plan.Change, s seen) (journal.Update, error) {
	name := c.Instance
	if c.Was != "" {
		name = c.Was.On(c.Instance.Host)
	}
	prior, err := r.in.Store.Entry(name)
	if err != nil {
		return journal.Update{}, err
	}
	now := r.in.Now()
	switch {
	case c.Entry != nil:
		e := *c.Entry
		if e.AppliedAt.IsZero() { // else only what is remembered of its declaration follows
			e.AppliedAt, e.State = now, s.here
		}
		u := journal.Update{Put: &e, Prior: prior}
		if c.Was != "" {
			u.Delete = &name
		}
		return u, nil
	case s.retired != nil && prior != nil && c.Action == actuators.Retire:
		e := *prior
		e.Retired, e.State = &now, s.retired
		return journal.Update{Put: &e, Prior: prior}, nil
	}
	return journal.Update{Delete: &c.Instance, Prior: prior}, nil
}

// frozen is the entry of an instance that may not be touched any more.
func (r *runner) frozen(c *plan.Change, why string) (*journal.Update, error) {
	e, err := r.in.Store.Entry(c.Instance)
	if err != nil {
		return nil, err
	}
	if e == nil && c.Entry != nil {
		copied := *c.Entry
		e = &copied
	}
	if e == nil {
		e = &inventory.Entry{Instance: c.Instance, Pos: c.Pos, After: c.After, Needs: c.Needs}
	}
	e.Stuck = why
	return &journal.Update{Put: e}, nil
}

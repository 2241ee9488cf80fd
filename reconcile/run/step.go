package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
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
	tasks   []*task
	written *journal.Update // the inventory's change when its last step was done; nil = none, or taken back
}

// task is a step on its way.
type task struct {
	actuators.Step
	op      *actuators.ErasedOp
	lane    *lane
	object  *object
	waits   int     // steps and lanes that must be done before
	then    []*task // steps that need this one
	host    string
	asked   bool // Preflight said yes
	state   journal.State
	order   int // of begun
	have    json.RawMessage
	before  json.RawMessage
	err     error
	residue string
	doneAt  time.Time
	took    time.Duration
	under   *task // a stuck step that stands on this one: it must stay
	blocks  int   // steps to be undone before this one
	beneath []*task
	floor   []*task // those of beneath that this one stands on
}

// place is where the step's object is looked at.
func (t *task) place() schema.Instance { return t.Instance.ID.On(t.host) }

func (t *task) spec() json.RawMessage { return t.object.specs[t.host] }

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

func (r *runner) call(t *task) exec.Call {
	return exec.Call{
		Plan: r.plan.ID, Step: t.ID, Epoch: r.in.Epoch, Kind: t.Instance.ID.Kind(), Op: t.Op, Version: t.Version,
		Instance: t.Instance, Params: t.Params, Before: t.before, Timeout: t.Timeout, Confirm: t.Confirm,
	}
}

// ask looks whether the object is as planned and asks whether Do would be accepted. It changes nothing.
func (r *runner) ask(ctx context.Context, t *task) error {
	if t.first() {
		if err := r.unchanged(ctx, t); err != nil {
			return err
		}
	}
	if t.asked {
		return nil
	}
	t.asked = true
	return r.retry(ctx, func() error {
		host, err := r.host(ctx, t.host)
		if err != nil {
			return err
		}
		err = host.Preflight(ctx, r.call(t))
		r.dropBroken(t.host, host, err)
		return err
	})
}

// forward does one step. When it fails after begun, the lane's way back undoes it too.
func (r *runner) forward(ctx context.Context, t *task) error {
	if err := r.prepare(ctx, t); err != nil {
		return err
	}
	if err := r.append(journal.Record{Lane: t.Lane, Step: t.ID, State: journal.Begun, Before: t.before, Have: t.have}); err != nil {
		return err
	}
	t.state, t.order = journal.Begun, r.next()
	begun := r.in.Now()
	s, err := r.doAndSee(ctx, t)
	if err != nil {
		return err
	}
	if err := r.confirm(ctx, t, begun); err != nil {
		return err
	}
	return r.finish(t, s)
}

// prepare gathers all that must be known before the step is begun.
func (r *runner) prepare(ctx context.Context, t *task) error {
	if err := r.ask(ctx, t); err != nil {
		return err
	}
	s, err := r.recent(ctx, t.place(), t.spec())
	if err != nil {
		return err
	}
	t.have = s.here
	return r.retry(ctx, func() error {
		host, err := r.host(ctx, t.host)
		if err != nil {
			return err
		}
		t.before, err = host.Capture(ctx, r.call(t))
		r.dropBroken(t.host, host, err)
		return err
	})
}

// doAndSee runs Do and looks until its effect is there. Whatever Do said, the look decides; after an unknown outcome it
// goes on looking, after a plain error it looks once.
func (r *runner) doAndSee(ctx context.Context, t *task) (seen, error) {
	predicted, err := t.op.Predict(t.Params, t.have)
	if err != nil {
		return seen{}, err
	}
	doErr := r.retry(ctx, func() error { return r.do(ctx, t) })
	limit := t.Timeout
	switch {
	case doErr != nil && !unknown(doErr):
		limit = 0
	case t.Confirm > 0:
		limit = min(limit, t.Confirm) // the host takes it back then
	}
	if errors.Is(doErr, exec.ErrFenced) {
		return seen{}, doErr
	}
	s, err := r.await(ctx, t, limit, func(s seen) (bool, string, error) { return t.reached(predicted, s) })
	if err == nil {
		return s, nil
	}
	switch {
	case doErr != nil && t.Confirm > 0 && unknown(doErr):
		return s, fmt.Errorf("its host was not in reach while it was done, and takes it back: %w", doErr)
	case doErr != nil:
		return s, doErr
	case t.Confirm > 0:
		return s, fmt.Errorf("it was done, but could not be seen and confirmed within %s, and the host takes it back: %w", t.Confirm, err)
	}
	return s, fmt.Errorf("it was done, but does not show within %s: %w", limit, err)
}

// reached tells whether a look shows what the step decides, settled.
func (t *task) reached(predicted json.RawMessage, s seen) (done bool, reason string, final error) {
	ok, difference := actuators.Holds(predicted, t.have, s.here)
	if !ok {
		return false, difference, nil
	}
	settled, err := t.op.Settled(s.here)
	return settled && err == nil, "it has not settled", err
}

func (r *runner) do(ctx context.Context, t *task) error {
	host, err := r.host(ctx, t.host)
	if err != nil {
		return err
	}
	err = host.Do(ctx, r.call(t))
	r.dropBroken(t.host, host, err)
	return err
}

func unknown(err error) bool {
	return errors.Is(err, exec.ErrUnknown) || errors.Is(err, exec.ErrUnreachable) || errors.Is(err, context.DeadlineExceeded)
}

// confirm tells the host over a new connection that it is still in reach. If it cannot, the host undoes the step alone;
// the way back begins when its deadline is over, never beside it.
func (r *runner) confirm(ctx context.Context, t *task, begun time.Time) error {
	if t.Confirm <= 0 {
		return nil
	}
	err := r.confirmFresh(ctx, t)
	if err == nil {
		return nil
	}
	if left := begun.Add(t.Confirm).Sub(r.in.Now()); left > 0 {
		_ = r.in.Sleep(ctx, left)
	}
	return fmt.Errorf("it was done, but could not be confirmed over a new connection, and the host takes it back: %w", err)
}

func (r *runner) confirmFresh(ctx context.Context, t *task) error {
	ctx, cancel := context.WithTimeout(ctx, t.Confirm)
	defer cancel()
	host, err := r.in.Hosts.Fresh(ctx, t.host)
	if err != nil {
		return err
	}
	defer host.Close()
	return host.Confirm(ctx, t.ID)
}

// finish records a step that was seen to be done, and with the last step of an object its inventory entry.
func (r *runner) finish(t *task, s seen) error {
	record := journal.Record{Lane: t.Lane, Step: t.ID, State: journal.Done}
	if t.last() {
		u, err := r.recording(t.object.change, s)
		if err != nil {
			return err
		}
		record.Update = &u
	}
	if err := r.append(record); err != nil {
		return err
	}
	t.state, t.err, t.doneAt, t.object.written = journal.Done, nil, r.in.Now(), record.Update
	return nil
}

// recording is what the inventory remembers of a change that went through. A removal leaves an entry only when the look
// shows that the object was set aside.
func (r *runner) recording(c *plan.Change, s seen) (journal.Update, error) {
	prior, err := r.in.Store.Entry(c.Instance)
	if err != nil {
		return journal.Update{}, err
	}
	now := r.in.Now()
	switch {
	case c.Entry != nil:
		e := *c.Entry
		e.AppliedAt, e.State = now, s.here
		return journal.Update{Put: &e, Prior: prior}, nil
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
		e = &inventory.Entry{Instance: c.Instance, Pos: c.Pos, After: c.After}
	}
	e.Stuck = why
	return &journal.Update{Put: e}, nil
}

// retry repeats a verb that says that trying again may help.
func (r *runner) retry(ctx context.Context, verb func() error) error {
	pause := tryPause
	for try := 1; ; try++ {
		err := verb()
		if !errors.Is(err, actuators.ErrTransient) || try == tries || r.in.Sleep(ctx, pause) != nil {
			return err
		}
		pause *= 2
	}
}

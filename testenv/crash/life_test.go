package crash

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"plumbline/actuators"
	"plumbline/reconcile/exec"
	"plumbline/reconcile/journal"
	"plumbline/reconcile/plan"
	"plumbline/testenv/sim"
)

var errDead = errors.New("the process is dead")

// clock stands still but for who sleeps.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: began} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

const looking = "observe"

// late is by how much who sleeps wakes late, as on a loaded machine: waiting for what never comes is then ten looks, not
// hundreds.
const late = 20

func (c *clock) sleep(ctx context.Context, d time.Duration) error {
	c.pass(late * d)
	return ctx.Err()
}

// life is one process of the controller. It dies at a boundary; from then on nothing that it orders happens. With cut it is
// an executor that dies there, once, and the controller lives on.
type life struct {
	mu    sync.Mutex
	at    int // boundaries passed
	end   int // the one at which it dies; 0 = never
	cut   bool
	dead  bool
	died  string // what it was about to do, or had just done
	begun map[string]bool
	lost  map[int]string  // why lanes failed, as acknowledged by the journal
	seen  map[string]bool // kinds that were looked at since anything else happened
	wrong []string
}

// pass is a boundary. remote tells whether it is on the way to an executor.
func (l *life) pass(remote bool, what, step string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dead {
		return errDead
	}
	if l.cut && !remote {
		return nil
	}
	if !strings.HasSuffix(what, looking) {
		clear(l.seen)
	}
	if l.at++; l.at != l.end {
		return nil
	}
	l.died = what + " " + step
	if l.cut {
		return fmt.Errorf("%w: %w: the executor is dead", exec.ErrUnknown, exec.ErrUnreachable)
	}
	l.dead = true
	return errDead
}

// repeats tells whether a look at a kind follows nothing but looks, one of them at that kind, and notes it.
func (l *life) repeats(kind string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	again := l.seen[kind] && !l.dead
	if l.seen == nil {
		l.seen = map[string]bool{}
	}
	l.seen[kind] = true
	return again
}

func (l *life) promise(kept bool, format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !kept {
		l.wrong = append(l.wrong, fmt.Sprintf(format, args...))
	}
}

// mortal hands out connections that die with the life that opened them.
type mortal struct {
	world *sim.World
	life  *life
	breaker
}

func (m mortal) Get(ctx context.Context, host string) (exec.Executor, error) {
	if m.life.dying() {
		return nil, errDead
	}
	conn, err := m.world.Dial(ctx, host, "")
	if err != nil {
		return nil, err
	}
	return &hand{Executor: conn, life: m.life, breaker: m.breaker}, nil
}

func (m mortal) Fresh(ctx context.Context, host string) (exec.Executor, error) {
	return m.Get(ctx, host)
}
func (m mortal) Drop(string) {}

func (l *life) dying() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.dead
}

// hand is a connection with a boundary before and after each verb.
type hand struct {
	exec.Executor
	life *life
	breaker
}

func (h *hand) around(what, step string, verb func() error) error {
	if err := h.life.pass(true, "before "+what, step); err != nil {
		return err
	}
	err := verb()
	if dead := h.life.pass(true, "after "+what, step); dead != nil {
		return dead
	}
	return err
}

// Observe passes boundaries when anything else was passed since the last look at the kind: who dies at one of ten looks at a
// world that stands still dies at all of them.
func (h *hand) Observe(ctx context.Context, kind string, sc actuators.Scope) (found []actuators.Observed, err error) {
	if h.life.repeats(kind) {
		return h.Executor.Observe(ctx, kind, sc)
	}
	err = h.around(looking, kind, func() error {
		found, err = h.Executor.Observe(ctx, kind, sc)
		return err
	})
	return found, err
}

func (h *hand) Preflight(ctx context.Context, c exec.Call) error {
	return h.around("preflight", c.Step, func() error { return h.Executor.Preflight(ctx, c) })
}

func (h *hand) Capture(ctx context.Context, c exec.Call) (before json.RawMessage, err error) {
	h.life.promise(!h.life.isBegun(c.Step), "%s was captured again after it was begun", c.Step)
	err = h.around("capture", c.Step, func() error {
		before, err = h.Executor.Capture(ctx, c)
		return err
	})
	return before, err
}

func (h *hand) Do(ctx context.Context, c exec.Call) error {
	return h.around("do", c.Step, func() error {
		h.life.promise(h.life.isBegun(c.Step), "%s was done before it was begun in the journal", c.Step)
		return h.Executor.Do(ctx, h.recaptured(ctx, h.Executor, c))
	})
}

func (h *hand) Undo(ctx context.Context, c exec.Call) error {
	return h.around("undo", c.Step, func() error {
		if h.forgetsUndo {
			return nil
		}
		return h.Executor.Undo(ctx, h.recaptured(ctx, h.Executor, c))
	})
}

func (h *hand) Confirm(ctx context.Context, step string) error {
	return h.around("confirm", step, func() error {
		if h.forgetsConfirm {
			return nil
		}
		return h.Executor.Confirm(ctx, step)
	})
}

// Many passes the boundaries of each: who dies in the middle leaves some done.
func (h *hand) Many(ctx context.Context, verb exec.Verb, calls []exec.Call) ([]exec.Answer, error) {
	return exec.Each(ctx, h, verb, calls), nil
}

func (l *life) isBegun(step string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.begun[step]
}

// diary is the journal with a boundary before and after every write.
type diary struct {
	*journal.Store
	life *life
	breaker
}

func (d diary) around(what string, write func() error) error {
	if err := d.life.pass(false, "before "+what, ""); err != nil {
		return err
	}
	if err := write(); err != nil {
		return err
	}
	return d.life.pass(false, "after "+what, "")
}

func (d diary) Append(records ...journal.Record) error {
	what := "a record"
	if len(records) > 0 {
		what = fmt.Sprintf("%s %s", records[0].State, records[0].Step)
	}
	return d.around(what, func() error {
		kept := d.kept(records)
		if len(kept) > 0 {
			if err := d.Store.Append(kept...); err != nil {
				return err
			}
		}
		d.life.mu.Lock()
		defer d.life.mu.Unlock()
		for _, r := range records {
			switch r.State {
			case journal.Begun:
				d.life.begun[r.Step] = true
			case journal.Failed:
				if _, known := d.life.lost[r.Lane]; !known {
					d.life.lost[r.Lane] = r.Cause
				}
			}
		}
		return nil
	})
}

func (d diary) Begin(p *plan.Plan, at time.Time) error {
	return d.around("begin", func() error { return d.Store.Begin(p, at) })
}

func (d diary) Raise() error { return d.around("raise", d.Store.Raise) }

func (d diary) End(id string, e journal.Ending) error {
	return d.around("end", func() error { return d.Store.End(id, e) })
}

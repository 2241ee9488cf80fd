package sim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"plumbline/actuators"
	"plumbline/reconcile/exec"
	"plumbline/reconcile/who"
)

// conn is a connection to a host of the model.
type conn struct {
	world  *World
	name   string
	id     int64
	closed atomic.Bool
}

// key tells connections of all processes apart.
func (c *conn) key() string { return fmt.Sprintf("%d/%d", pid, c.id) }

// reach passes the verb's time and fails when the host does not answer.
func (c *conn) reach(ctx context.Context) error {
	if err := c.world.wait(ctx); err != nil {
		return fmt.Errorf("%w: %w", exec.ErrUnreachable, err)
	}
	return c.world.on(c.name, func(v *visit) error { return c.alive(v) })
}

func (c *conn) alive(v *visit) error {
	if v.host.cond.Dead || c.closed.Load() {
		return fmt.Errorf("%w: %s does not answer", exec.ErrUnreachable, c.name)
	}
	return nil
}

func (c *conn) Hello(ctx context.Context) (exec.Hello, error) {
	if err := c.reach(ctx); err != nil {
		return exec.Hello{}, err
	}
	hello := exec.Hello{
		Protocol: exec.Protocol, Version: "sim", Arch: runtime.GOOS + "/" + runtime.GOARCH, Machine: "sim-" + c.name, Boot: "sim",
		Name: c.name, Hostname: c.name, Clock: c.world.opts.Now(), Kinds: c.world.reg.Names(),
	}
	err := c.world.on(c.name, func(v *visit) error {
		hello.Epoch, hello.Reverted = v.host.cond.Epoch, slices.Clone(v.host.cond.Reverted)
		for step := range v.host.cond.Waiting {
			hello.Waiting = append(hello.Waiting, step)
		}
		slices.Sort(hello.Waiting)
		return nil
	})
	return hello, err
}

func (c *conn) Observe(ctx context.Context, kind string, sc actuators.Scope) (found []actuators.Observed, err error) {
	k, err := c.world.kind(kind)
	if err != nil {
		return nil, err
	}
	if _, err := c.enter(ctx, "observe", exec.Call{Kind: kind}); err != nil {
		return nil, err
	}
	err = c.world.on(c.name, func(v *visit) error {
		if err := c.alive(v); err != nil {
			return err
		}
		found, err = v.observe(k, sc)
		return err
	})
	return found, err
}

// Stamps counts changes, for kinds that have a stamp on real hosts.
func (c *conn) Stamps(ctx context.Context, scopes map[string]actuators.Scope) (map[string]string, error) {
	if err := c.reach(ctx); err != nil {
		return nil, err
	}
	stamps := map[string]string{}
	return stamps, c.world.on(c.name, func(v *visit) error {
		for name := range scopes {
			k, ok := c.world.reg.Kind(name)
			if !ok || k.Stamp == nil {
				continue
			}
			s, err := v.shelf(name)
			if err != nil {
				return err
			}
			stamps[name] = strconv.FormatUint(s.Rev+1, 10)
		}
		return c.alive(v)
	})
}

// Traces is empty: nobody but the test does anything to a model.
func (c *conn) Traces(ctx context.Context, _ who.Query) ([]who.Trace, error) {
	return nil, c.reach(ctx)
}

func (c *conn) Preflight(ctx context.Context, call exec.Call) error {
	if _, err := c.op(call); err != nil {
		return err
	}
	_, err := c.enter(ctx, "preflight", call)
	return err
}

func (c *conn) Capture(ctx context.Context, call exec.Call) (before json.RawMessage, err error) {
	if _, err := c.op(call); err != nil {
		return nil, err
	}
	if _, err := c.enter(ctx, "capture", call); err != nil {
		return nil, err
	}
	err = c.world.on(c.name, func(v *visit) error {
		if err := c.alive(v); err != nil {
			return err
		}
		before, err = v.capture(call)
		return err
	})
	return before, err
}

func (c *conn) Do(ctx context.Context, call exec.Call) error {
	return c.change(ctx, "do", call, func(v *visit) error {
		if err := v.do(call); err != nil {
			return err
		}
		return c.arm(v, call)
	})
}

func (c *conn) Undo(ctx context.Context, call exec.Call) error {
	return c.change(ctx, "undo", call, func(v *visit) error {
		if _, waits := v.host.cond.Waiting[call.Step]; waits {
			delete(v.state().Waiting, call.Step)
		}
		return v.undo(call)
	})
}

// Many passes the time of one verb, and then runs one after the other.
func (c *conn) Many(ctx context.Context, verb exec.Verb, calls []exec.Call) ([]exec.Answer, error) {
	if err := c.reach(ctx); err != nil {
		return nil, err
	}
	return exec.Each(atOnce(ctx), c, verb, calls), nil
}

// change runs a verb that changes the host, for whoever has the highest epoch.
func (c *conn) change(ctx context.Context, verb string, call exec.Call, run func(v *visit) error) error {
	if _, err := c.op(call); err != nil {
		return err
	}
	after, err := c.enter(ctx, verb, call)
	if err != nil {
		return err
	}
	err = c.world.on(c.name, func(v *visit) error {
		if err := c.alive(v); err != nil {
			return err
		}
		if call.Epoch < v.host.cond.Epoch {
			return fmt.Errorf("cannot %s %s: %w: epoch %d is over, %d was here", verb, call.Step, exec.ErrFenced, call.Epoch, v.host.cond.Epoch)
		}
		if call.Epoch > v.host.cond.Epoch {
			v.state().Epoch = call.Epoch
		}
		return run(v)
	})
	if err == nil {
		err = after
	}
	return err
}

// arm lets a step that wants a confirmation be undone at its deadline.
func (c *conn) arm(v *visit, call exec.Call) error {
	op, err := c.op(call)
	if err != nil {
		return err
	}
	if call.Confirm == 0 {
		call.Confirm = op.Confirm
	}
	if call.Confirm <= 0 {
		return nil
	}
	state := v.state()
	if state.Waiting == nil {
		state.Waiting = map[string]waiting{}
	}
	state.Reverted = slices.DeleteFunc(state.Reverted, func(step string) bool { return step == call.Step })
	state.Waiting[call.Step] = waiting{call, c.key(), c.world.opts.Now().Add(call.Confirm)}
	if c.world.timers {
		time.AfterFunc(call.Confirm+time.Millisecond, func() { _ = c.world.on(c.name, func(*visit) error { return nil }) })
	}
	return nil
}

func (c *conn) Confirm(ctx context.Context, step string) error {
	if err := c.reach(ctx); err != nil {
		return err
	}
	return c.world.on(c.name, func(v *visit) error {
		w, waits := v.host.cond.Waiting[step]
		switch {
		case slices.Contains(v.host.cond.Reverted, step):
			return fmt.Errorf("cannot confirm %s: %w", step, exec.ErrReverted)
		case waits && w.Conn == c.key():
			return fmt.Errorf("cannot confirm %s: %w: it was done over this very connection", step, actuators.ErrRefused)
		case waits:
			delete(v.state().Waiting, step)
		}
		return nil
	})
}

func (c *conn) Watch(ctx context.Context, kind string, emit func(actuators.Event)) error {
	k, err := c.world.kind(kind)
	if err != nil {
		return err
	}
	if k.Watch == nil {
		return fmt.Errorf("kind %s %w", kind, exec.ErrPolled)
	}
	if err := c.reach(ctx); err != nil {
		return err
	}
	return c.world.watchKind(ctx, c, kind, emit)
}

func (c *conn) Close() error {
	c.closed.Store(true)
	return nil
}

func (c *conn) op(call exec.Call) (*actuators.ErasedOp, error) {
	k, err := c.world.kind(call.Kind)
	if err != nil {
		return nil, err
	}
	op, ok := k.Op(call.Op)
	if !ok || op.Version != call.Version {
		return nil, errors.New("cannot find version " + fmt.Sprint(call.Version) + " of op " + call.Op + " of kind " + call.Kind)
	}
	return op, nil
}

package conform

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"plumbline/actuators"
	"plumbline/reconcile/exec"
)

// driver runs the verbs of the kind, in this process or through an executor.
type driver interface {
	observe(ctx context.Context, sc actuators.Scope) ([]actuators.Observed, error)
	// stamp is "" when the kind gives none.
	stamp(ctx context.Context, sc actuators.Scope) (string, error)
	watch(ctx context.Context, emit func(actuators.Event)) error
	preflight(ctx context.Context, st actuators.Step) error
	capture(ctx context.Context, st actuators.Step) (json.RawMessage, error)
	// do ends by its context, which cut may end earlier.
	do(ctx context.Context, st actuators.Step, before json.RawMessage, cut *cut) error
	undo(ctx context.Context, st actuators.Step, before json.RawMessage) error
	// counts tells whether a cut can count the calls to the host.
	counts() bool
}

// grace is how long a verb may go on after its context ended.
var grace = 30 * time.Second

// bounded waits for a verb to return; one that does not heed the end of its context is a failure of its own.
func bounded(ctx context.Context, verb func() error) error {
	done := make(chan error, 1)
	go func() { done <- verb() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-done:
		return err
	case <-time.After(grace):
		return fmt.Errorf("%w: it went on for %s after its context had ended", errDeaf, grace)
	}
}

var errDeaf = errors.New("it does not heed its context")

// direct calls the kind's code.
type direct struct {
	kind *actuators.Kind
	host actuators.Host
}

func (d direct) op(st actuators.Step) *actuators.ErasedOp {
	op, _ := d.kind.Op(st.Op)
	return op
}

func (d direct) observe(ctx context.Context, sc actuators.Scope) (found []actuators.Observed, err error) {
	err = bounded(ctx, func() error {
		var err error
		found, err = d.kind.Observe(ctx, d.host, sc)
		return err
	})
	return found, err
}

func (d direct) stamp(ctx context.Context, sc actuators.Scope) (stamp string, err error) {
	err = bounded(ctx, func() error {
		var err error
		stamp, err = d.kind.Stamp(ctx, d.host, sc)
		return err
	})
	return stamp, err
}

func (d direct) watch(ctx context.Context, emit func(actuators.Event)) error {
	return bounded(ctx, func() error { return d.kind.Watch(ctx, d.host, emit) })
}

func (d direct) preflight(ctx context.Context, st actuators.Step) error {
	return bounded(ctx, func() error { return d.op(st).Preflight(ctx, d.host, st.Params) })
}

func (d direct) capture(ctx context.Context, st actuators.Step) (before json.RawMessage, err error) {
	err = bounded(ctx, func() error {
		var err error
		before, err = d.op(st).Capture(ctx, d.host, st.Params)
		return err
	})
	return before, err
}

func (d direct) do(ctx context.Context, st actuators.Step, before json.RawMessage, c *cut) error {
	ctx, host := c.around(ctx, d.host)
	return bounded(ctx, func() error { return d.op(st).Do(ctx, host, st.Params, before) })
}

func (d direct) undo(ctx context.Context, st actuators.Step, before json.RawMessage) error {
	return bounded(ctx, func() error { return d.op(st).Undo(ctx, d.host, st.Params, before) })
}

func (d direct) counts() bool { return true }

// dialled calls an executor.
type dialled struct {
	kind     string
	executor exec.Executor
	fresh    func(ctx context.Context) (exec.Executor, error)
}

func call(st actuators.Step, before json.RawMessage) exec.Call {
	return exec.Call{
		Plan: "conform", Step: st.ID, Epoch: 1, Kind: st.Instance.ID.Kind(), Op: st.Op, Version: st.Version,
		Instance: st.Instance, Params: st.Params, Before: before, Timeout: st.Timeout, Confirm: st.Confirm,
	}
}

func (d dialled) observe(ctx context.Context, sc actuators.Scope) ([]actuators.Observed, error) {
	return d.executor.Observe(ctx, sc.Targets[0].ID.Kind(), sc)
}

func (d dialled) stamp(ctx context.Context, sc actuators.Scope) (string, error) {
	kind := sc.Targets[0].ID.Kind()
	stamps, err := d.executor.Stamps(ctx, map[string]actuators.Scope{kind: sc})
	return stamps[kind], err
}

func (d dialled) watch(ctx context.Context, emit func(actuators.Event)) error {
	return d.executor.Watch(ctx, d.kind, emit)
}

func (d dialled) preflight(ctx context.Context, st actuators.Step) error {
	return d.executor.Preflight(ctx, call(st, nil))
}

func (d dialled) capture(ctx context.Context, st actuators.Step) (json.RawMessage, error) {
	return d.executor.Capture(ctx, call(st, nil))
}

func (d dialled) do(ctx context.Context, st actuators.Step, before json.RawMessage, c *cut) error {
	ctx, _ = c.around(ctx, nil)
	if err := d.executor.Do(ctx, call(st, before)); err != nil || st.Confirm == 0 {
		return err
	}
	second, err := d.fresh(ctx)
	if err != nil {
		return err
	}
	defer second.Close()
	return second.Confirm(ctx, st.ID)
}

func (d dialled) undo(ctx context.Context, st actuators.Step, before json.RawMessage) error {
	return d.executor.Undo(ctx, call(st, before))
}

func (d dialled) counts() bool { return false }

package run_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"plumbline/actuators"
	"plumbline/reconcile/exec"
)

// Get, Fresh and Drop hand out the toy hosts.
func (w *world) Get(_ context.Context, host string) (exec.Executor, error) {
	return &toyHost{w: w, kinds: w.kind(), name: host, life: w.life}, nil
}

func (w *world) Fresh(ctx context.Context, host string) (exec.Executor, error) {
	return w.Get(ctx, host)
}
func (w *world) Drop(string) {}

// toyHost is a connection to a host; it dies with the process that opened it.
type toyHost struct {
	exec.Executor
	w     *world
	kinds *actuators.Registry
	name  string
	life  *life
}

type named struct {
	actuators.Host
	name string
}

func (n named) Name() string { return n.name }

func (h *toyHost) machine() actuators.Host { return named{name: h.name} }

func (h *toyHost) op(c exec.Call) *actuators.ErasedOp {
	k, _ := h.kinds.Kind(c.Kind)
	op, _ := k.Op(c.Op)
	return op
}

func (h *toyHost) Observe(ctx context.Context, kind string, sc actuators.Scope) ([]actuators.Observed, error) {
	if err := h.w.boundary(); err != nil {
		return nil, err
	}
	k, _ := h.kinds.Kind(kind)
	found, err := k.Observe(ctx, h.machine(), sc)
	return h.veiled(found, sc), err
}

// veiled hides toys whose look is faulty: "once", or for so many looks, or "always".
func (h *toyHost) veiled(found []actuators.Observed, sc actuators.Scope) []actuators.Observed {
	h.w.mu.Lock()
	defer h.w.mu.Unlock()
	for _, target := range sc.Targets {
		if h.w.fault("look", target.ID.Name()) != "" {
			found = slices.DeleteFunc(found, func(o actuators.Observed) bool { return o.ID == target.ID })
			found = append(found, actuators.Observed{ID: target.ID, Unknown: "not mounted"})
		}
	}
	return found
}

func (h *toyHost) simple(verb string, c exec.Call) error {
	if err := h.w.boundary(); err != nil {
		return err
	}
	h.w.mu.Lock()
	defer h.w.mu.Unlock()
	h.w.note(verb, c.Step)
	switch h.w.fault(verb, c.Step) {
	case "error":
		return fmt.Errorf("the %s is refused", verb)
	case "transient":
		return fmt.Errorf("%w: not now", actuators.ErrTransient)
	}
	return nil
}

func (h *toyHost) Preflight(_ context.Context, c exec.Call) error { return h.simple("preflight", c) }

func (h *toyHost) Confirm(_ context.Context, step string) error {
	return h.simple("confirm", exec.Call{Step: step})
}

func (h *toyHost) Close() error { return nil }

func (h *toyHost) Capture(ctx context.Context, c exec.Call) (json.RawMessage, error) {
	if err := h.simple("capture", c); err != nil {
		return nil, err
	}
	h.w.mu.Lock()
	h.w.promise(!h.w.begun[c.Step], "%s was captured again after it was begun", c.Step)
	h.w.mu.Unlock()
	return h.op(c).Capture(ctx, h.machine(), c.Params)
}

// Do knows the faults: error and unknown, each "before", in the "half" and "after", "transient", "never" (says yes, does
// nothing), "foreign" (somebody else writes into the toy, then it fails), "broken" (the connection) and "fenced".
func (h *toyHost) Do(ctx context.Context, c exec.Call) error {
	if err := h.w.boundary(); err != nil {
		return err
	}
	defer h.w.enter("do", c)()
	h.w.mu.Lock()
	h.w.note("do", c.Step)
	fault := h.w.faults["do "+c.Step]
	h.w.mu.Unlock()
	if h.w.hook != nil {
		h.w.hook(ctx, fault)
	}
	var err error
	if fault != "error before" && fault != "never" && fault != "transient" {
		err = h.op(c).Do(ctx, h.machine(), c.Params, c.Before)
	}
	h.w.mu.Lock()
	h.w.fault("do", c.Step)
	h.w.mu.Unlock()
	if err != nil {
		return err
	}
	switch {
	case fault == "fenced":
		return fmt.Errorf("%w: a higher epoch was here", exec.ErrFenced)
	case fault == "foreign":
		_ = h.w.write(c.Instance, func(k config, there bool) (config, bool) { k.A = 999; return k, true })
		return errors.New("somebody else wrote")
	case fault == "transient":
		return fmt.Errorf("%w: not now", actuators.ErrTransient)
	case strings.HasPrefix(fault, "error"):
		return errors.New("the do failed")
	case strings.HasPrefix(fault, "broken"):
		return fmt.Errorf("%w: %w: broken pipe", exec.ErrUnknown, exec.ErrUnreachable)
	case strings.HasPrefix(fault, "unknown"):
		return fmt.Errorf("%w: cut off", exec.ErrUnknown)
	}
	return h.w.boundary()
}

func (h *toyHost) Undo(ctx context.Context, c exec.Call) error {
	if err := h.w.boundary(); err != nil {
		return err
	}
	defer h.w.enter("undo", c)()
	h.w.mu.Lock()
	h.w.note("undo", c.Step)
	fault := h.w.fault("undo", c.Step)
	h.w.mu.Unlock()
	if h.w.hook != nil {
		h.w.hook(ctx, fault)
	}
	switch fault {
	case "gone": // a boot took it along
		_ = h.w.write(c.Instance, func(config, bool) (config, bool) { return config{}, false })
		return actuators.Gone(string(c.Instance.ID))
	case "once", "always":
		return errors.New("the undo failed")
	case "fenced":
		return fmt.Errorf("%w: a higher epoch was here", exec.ErrFenced)
	}
	if err := h.op(c).Undo(ctx, h.machine(), c.Params, c.Before); err != nil {
		return err
	}
	return h.w.boundary()
}

// note adds to the trace. The caller holds the lock.
func (w *world) note(verb, step string) { w.trace = append(w.trace, step+":"+verb) }

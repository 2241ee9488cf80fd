package run_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"plumbline/actuators"
	"plumbline/reconcile/exec"
)

// many is the op that does many toys at once, one write after the other: the process can die between any two of them.
func (w *world) many(capture func(context.Context, actuators.Host, params) (*config, error)) *actuators.Many[params, *config] {
	each := func(verb func(context.Context, actuators.Host, params, *config) error) func(context.Context, actuators.Host, []actuators.Item[params, *config]) []error {
		return func(ctx context.Context, h actuators.Host, all []actuators.Item[params, *config]) []error {
			errs := make([]error, len(all))
			for n, one := range all {
				errs[n] = verb(ctx, h, one.Params, one.Before)
			}
			return errs
		}
	}
	return &actuators.Many[params, *config]{
		Limit: 3,
		Capture: func(ctx context.Context, h actuators.Host, all []params) ([]*config, []error) {
			before, errs := make([]*config, len(all)), make([]error, len(all))
			for n, p := range all {
				before[n], errs[n] = capture(ctx, h, p)
			}
			return before, errs
		},
		Do: each(w.set), Undo: each(w.unset),
	}
}

// Many goes through the single verbs, each with its boundaries and faults, but for Do and Undo of what goes together. The
// fault "lost" is an answer to all that does not arrive.
func (h *toyHost) Many(ctx context.Context, verb exec.Verb, calls []exec.Call) ([]exec.Answer, error) {
	h.w.mu.Lock()
	op := h.op(calls[0])
	h.w.promise(verb == exec.Preflight || op.Many != nil && len(calls) <= op.Many.Limit, "%d %s of %s at once", len(calls), verb, calls[0].Op)
	h.w.crowds[verb]++
	h.w.mu.Unlock()
	if verb != exec.Do && verb != exec.Undo {
		return exec.Each(ctx, h, verb, calls), nil
	}
	if err := h.w.boundary(); err != nil {
		return nil, err
	}
	defer h.enterAll(verb, calls)()
	answers, lost := h.together(ctx, verb, op, calls)
	if err := h.w.boundary(); err != nil {
		return nil, err
	}
	if lost {
		return nil, fmt.Errorf("%w: the answer is lost", exec.ErrUnknown)
	}
	return answers, nil
}

func (h *toyHost) enterAll(verb exec.Verb, calls []exec.Call) (leave func()) {
	var leaves []func()
	h.w.mu.Lock()
	h.w.company = "company of " + calls[0].Step
	h.w.mu.Unlock()
	for _, c := range calls {
		leaves = append(leaves, h.w.enter(string(verb), c))
	}
	h.w.mu.Lock()
	h.w.company = ""
	h.w.mu.Unlock()
	return func() {
		for _, leave := range leaves {
			leave()
		}
	}
}

// together runs the verb for those whose fault lets it, and says what the faults say.
func (h *toyHost) together(ctx context.Context, verb exec.Verb, op *actuators.ErasedOp, calls []exec.Call) (answers []exec.Answer, lost bool) {
	faults := make([]string, len(calls))
	var params, before []json.RawMessage
	var at []int
	h.w.mu.Lock()
	for n, c := range calls {
		h.w.note(string(verb), c.Step)
		faults[n] = h.w.faults[string(verb)+" "+c.Step]
		lost = lost || faults[n] == "lost"
		switch faults[n] {
		case "error before", "never", "transient", "once", "always":
		default:
			params, before, at = append(params, c.Params), append(before, c.Before), append(at, n)
		}
	}
	h.w.mu.Unlock()
	for _, fault := range faults {
		if h.w.hook != nil {
			h.w.hook(ctx, fault)
		}
	}
	run := op.Many.Do
	if verb == exec.Undo {
		run = op.Many.Undo
	}
	answers = make([]exec.Answer, len(calls))
	for k, err := range run(ctx, h.machine(), params, before) {
		answers[at[k]].Err = err
	}
	h.w.mu.Lock()
	defer h.w.mu.Unlock()
	for n, c := range calls {
		h.w.fault(string(verb), c.Step)
		if answers[n].Err == nil {
			answers[n].Err = faultOf(faults[n])
		}
		if toy, there := h.w.toys[c.Instance]; faults[n] == "foreign" && there {
			toy.A = 999
			h.w.toys[c.Instance] = toy
		}
	}
	return answers, lost
}

func faultOf(fault string) error {
	switch {
	case fault == "transient":
		return fmt.Errorf("%w: not now", actuators.ErrTransient)
	case fault == "foreign", fault == "once", fault == "always", strings.HasPrefix(fault, "error"):
		return errors.New("it failed")
	case strings.HasPrefix(fault, "unknown"):
		return fmt.Errorf("%w: cut off", exec.ErrUnknown)
	}
	return nil
}

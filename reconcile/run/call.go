package run

import (
	"context"
	"errors"

	"plumbline/actuators"
	"plumbline/reconcile/exec"
)

func (r *runner) callOf(t *task) exec.Call {
	return exec.Call{
		Plan: r.plan.ID, Step: t.ID, Epoch: r.in.Store.Epoch(), Kind: t.Instance.ID.Kind(), Op: t.Op, Version: t.Version,
		Instance: t.Instance, Params: t.Params, Before: t.before, Timeout: t.Timeout, Confirm: t.Confirm,
	}
}

// call runs a verb for those of the tasks that have no error yet, and repeats it for those that say that trying again may
// help, and over a new connection for those whose connection broke: a verb that may have been done does no harm when it is
// done again, and the host lets none run beside itself. heard gets each answer; without it, or after any verb but Do, an
// error is the task's.
func (r *runner) call(ctx context.Context, verb exec.Verb, tasks []*task, out []outcome, heard func(n int, a exec.Answer)) {
	var at []int
	for n := range tasks {
		if out[n].err == nil {
			at = append(at, n)
		}
	}
	for try, pause := 1, tryPause; len(at) > 0; try, pause = try+1, 2*pause {
		var again []int
		for k, a := range r.once(ctx, verb, tasks, at) {
			n := at[k]
			if heard != nil {
				heard(n, a)
			}
			if verb != exec.Do {
				out[n].err = a.Err
			}
			if errors.Is(a.Err, actuators.ErrTransient) || errors.Is(a.Err, exec.ErrUnreachable) {
				again = append(again, n)
			}
		}
		if len(again) == 0 || try == tries || r.in.Sleep(ctx, pause) != nil {
			return
		}
		at = again
	}
}

// once runs a verb for the tasks at some places, all on one host: many in one call.
func (r *runner) once(ctx context.Context, verb exec.Verb, tasks []*task, at []int) []exec.Answer {
	name := tasks[at[0]].host
	host, err := r.host(ctx, name)
	answers := r.send(ctx, host, err, verb, tasks, at)
	for _, a := range answers {
		if errors.Is(a.Err, exec.ErrUnreachable) {
			r.dropBroken(name, host, a.Err)
			break
		}
	}
	return answers
}

// send runs a verb over a connection. Without one, or when it breaks, its error is the answer to all.
func (r *runner) send(ctx context.Context, host exec.Executor, err error, verb exec.Verb, tasks []*task, at []int) []exec.Answer {
	calls := make([]exec.Call, len(at))
	for k, n := range at {
		calls[k] = r.callOf(tasks[n])
	}
	var answers []exec.Answer
	switch {
	case err != nil:
	case len(calls) == 1:
		answers = exec.Each(ctx, host, verb, calls)
	default:
		answers, err = host.Many(ctx, verb, calls)
	}
	if err != nil {
		answers = make([]exec.Answer, len(calls))
		for k := range answers {
			answers[k].Err = err
		}
	}
	return answers
}

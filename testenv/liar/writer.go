package liar

import (
	"context"
	"errors"
	"fmt"

	"plumbline/actuators"
	"plumbline/reconcile/exec"
	"plumbline/schema"
)

// Writes asks an executor for everything that changes something, of every op of every kind: by itself and many at once, with an epoch
// above any, in the op's version. It gives what was not refused as read-only, in words, and how many questions it asked. To whom a
// question is put does not matter to who only looks: the instances are made up.
func Writes(ctx context.Context, e exec.Executor, kinds *actuators.Registry, host string) (allowed []string, asked int) {
	said := func(err error, format string, args ...any) {
		asked++
		if !errors.Is(err, exec.ErrReadOnly) {
			allowed = append(allowed, fmt.Sprintf(format, args...)+fmt.Sprintf(": %v", err))
		}
	}
	for _, name := range kinds.Names() {
		kind, _ := kinds.Kind(name)
		for _, opName := range kind.Ops() {
			op, _ := kind.Op(opName)
			c := exec.Call{
				Plan: "p", Step: fmt.Sprintf("%s/liar@%s#1", name, host), Epoch: 1 << 62, Kind: name, Op: opName, Version: op.Version,
				Instance: schema.MakeID(name, "liar").On(host), Params: []byte("{}"), Before: []byte("{}"),
			}
			said(e.Preflight(ctx, c), "preflight %s %s", name, opName)
			said(e.Do(ctx, c), "do %s %s", name, opName)
			said(e.Undo(ctx, c), "undo %s %s", name, opName)
			said(e.Confirm(ctx, c.Step), "confirm %s %s", name, opName)
			for _, verb := range []exec.Verb{exec.Preflight, exec.Do, exec.Undo, exec.Confirm} {
				answers, err := e.Many(ctx, verb, []exec.Call{c, c})
				if err != nil {
					said(err, "many: %s %s %s", verb, name, opName)
				}
				for _, a := range answers {
					said(a.Err, "many: %s %s %s", verb, name, opName)
				}
			}
		}
	}
	return allowed, asked
}

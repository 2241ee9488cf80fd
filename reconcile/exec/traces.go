package exec

import (
	"context"

	"plumbline/actuators"
	"plumbline/reconcile/who"
)

// Traces reads what this machine writes down anyway, with the rights that the executor has.
func (l *local) Traces(ctx context.Context, q who.Query) ([]who.Trace, error) {
	run := func(ctx context.Context, argv ...string) ([]byte, error) {
		out, err := l.host.Run(ctx, actuators.Cmd{Argv: argv})
		return out.Stdout, err
	}
	return await(ctx, func(ctx context.Context) ([]who.Trace, error) { return who.Read(ctx, "/", run, q), nil })
}

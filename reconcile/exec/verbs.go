package exec

import (
	"context"
	"sync"
	"time"

	"google.golang.org/grpc"

	"plumbline/actuators"
)

// unary is a method that answers once.
func unary(name string, verb func(context.Context, Executor, *request) *reply) grpc.MethodDesc {
	handler := func(srv any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
		in := new(request)
		if err := decode(in); err != nil {
			return nil, err
		}
		if in.Call == nil {
			in.Call = &Call{}
		}
		ctx, cancel := early(ctx)
		defer cancel()
		passing := srv.(*local).passing
		passing("before", in.verb(name), in.subject())
		defer passing("after", in.verb(name), in.subject())
		return verb(ctx, srv.(Executor), in), nil
	}
	return grpc.MethodDesc{MethodName: name, Handler: handler}
}

// stream is a method that answers several times; the last answer is Done with the verb's error.
func stream(name string, verb func(context.Context, Executor, *request, func(*reply) error) error) grpc.StreamDesc {
	handler := func(srv any, pipe grpc.ServerStream) error {
		in := new(request)
		if err := pipe.RecvMsg(in); err != nil {
			return err
		}
		if in.Scope == nil {
			in.Scope = &actuators.Scope{}
		}
		var mu sync.Mutex // a source may emit from several goroutines
		send := func(out *reply) error {
			mu.Lock()
			defer mu.Unlock()
			return pipe.SendMsg(out)
		}
		ctx, cancel := early(pipe.Context())
		defer cancel()
		passing := srv.(*local).passing
		passing("before", in.verb(name), in.subject())
		err := verb(ctx, srv.(Executor), in, send)
		passing("after", in.verb(name), in.subject())
		return send(&reply{Done: true, Err: packError(err)})
	}
	return grpc.StreamDesc{StreamName: name, Handler: handler, ServerStreams: true}
}

// early ends a verb a moment before its caller stops waiting, so that the caller still hears what the verb waited for:
// an answer that was given up is still waited for a while.
func early(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, bounded := ctx.Deadline()
	if !bounded {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, deadline.Add(-min(time.Until(deadline)/6, 4*time.Second)))
}

func serveHello(ctx context.Context, e Executor, _ *request) *reply {
	hello, err := e.Hello(ctx)
	return &reply{Hello: &hello, Err: packError(err)}
}

func serveStamps(ctx context.Context, e Executor, in *request) *reply {
	all, whole := e.(*local).scopes.resolve(in)
	stamps, err := e.Stamps(ctx, all)
	return &reply{Stamps: stamps, Whole: whole, Err: packError(err)}
}

func serveTraces(ctx context.Context, e Executor, in *request) *reply {
	if in.Query == nil {
		return &reply{}
	}
	traces, err := e.Traces(ctx, *in.Query)
	return &reply{Traces: traces, Err: packError(err)}
}

func servePreflight(ctx context.Context, e Executor, in *request) *reply {
	return &reply{Err: packError(e.Preflight(ctx, *in.Call))}
}

func serveCapture(ctx context.Context, e Executor, in *request) *reply {
	before, err := e.Capture(ctx, *in.Call)
	return &reply{Before: before, Err: packError(err)}
}

func serveDo(ctx context.Context, e Executor, in *request) *reply {
	return &reply{Err: packError(e.Do(ctx, *in.Call))}
}

func serveUndo(ctx context.Context, e Executor, in *request) *reply {
	return &reply{Err: packError(e.Undo(ctx, *in.Call))}
}

func serveConfirm(ctx context.Context, e Executor, in *request) *reply {
	return &reply{Err: packError(e.Confirm(ctx, in.Step))}
}

func serveMany(ctx context.Context, e Executor, in *request) *reply {
	answers, err := e.Many(ctx, in.Verb, in.Calls)
	out := &reply{Err: packError(err), All: make([]wireAnswer, len(answers))}
	for n, answer := range answers {
		out.All[n] = wireAnswer{answer.Before, packError(answer.Err)}
	}
	return out
}

func serveObserve(ctx context.Context, e Executor, in *request, send func(*reply) error) error {
	all, err := e.Observe(ctx, in.Kind, *in.Scope)
	if err != nil {
		return err
	}
	for _, batch := range batches(all) {
		if err := send(&reply{Batch: batch}); err != nil {
			return err
		}
	}
	return nil
}

func serveWatch(ctx context.Context, e Executor, in *request, send func(*reply) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	return e.Watch(ctx, in.Kind, func(event actuators.Event) {
		if err := send(&reply{Event: &event}); err != nil {
			cancel(err)
		}
	})
}

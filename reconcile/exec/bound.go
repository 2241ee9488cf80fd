package exec

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"
)

// stopGrace is how long a verb may go on after its context ended before the caller stops waiting.
const stopGrace = 3 * time.Second

// await runs a verb and returns when it does, or when it did not heed the end of its context. It then runs on, with
// whatever lock it holds, and its outcome is unknown. A panic is an error, and its outcome unknown too.
func await[T any](ctx context.Context, verb func(context.Context) (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		var r result
		defer func() {
			if p := recover(); p != nil {
				r.err = fmt.Errorf("internal error: %w: panic: %v\n%s", ErrUnknown, p, debug.Stack())
			}
			done <- r
		}()
		r.value, r.err = verb(ctx)
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
	}
	select {
	case r := <-done:
		return r.value, r.err
	case <-time.After(stopGrace):
		var none T
		return none, fmt.Errorf("%w: it did not stop when it was told to: %w", ErrUnknown, context.Cause(ctx))
	}
}

package drift

import (
	"context"
	"errors"
	"sync"
	"time"

	"plumbline/actuators"
	"plumbline/reconcile/exec"
)

// watchers keeps one stream of hints for every host and kind that something was applied to.
type watchers struct {
	ctx     context.Context
	cancel  context.CancelFunc
	engine  *Engine
	running map[place]bool
	all     sync.WaitGroup
}

func newWatchers(ctx context.Context, e *Engine) *watchers {
	ctx, cancel := context.WithCancel(ctx)
	w := &watchers{ctx: ctx, cancel: cancel, engine: e, running: map[place]bool{}}
	w.follow()
	return w
}

func (w *watchers) stop() {
	w.cancel()
	w.all.Wait()
}

// follow starts what the inventory has newly. A stream of a place that nothing is applied to any more goes on until the end:
// its hints cost a look at nothing.
func (w *watchers) follow() {
	inv, err := w.engine.Inventory()
	if err != nil {
		return
	}
	for p := range places(inv) {
		kind, ok := w.engine.Kinds.Kind(p.kind)
		if !ok || kind.Watch == nil || w.running[p] {
			continue
		}
		w.running[p] = true
		w.all.Go(func() { w.watch(p) })
	}
}

// Between two attempts at a stream that breaks.
const (
	rewatchFirst = 200 * time.Millisecond
	rewatchMost  = 10 * time.Second
)

// watch holds one stream and opens it anew when it breaks. Whatever happened in between is looked at once.
func (w *watchers) watch(p place) {
	wait := rewatchFirst
	for w.ctx.Err() == nil {
		begun := w.engine.Now()
		err := w.stream(p)
		if errors.Is(err, exec.ErrPolled) || w.ctx.Err() != nil {
			return
		}
		if w.engine.Now().Sub(begun) > rewatchMost {
			wait = rewatchFirst
		}
		w.engine.Log.Debug().Str("host", p.host).Str("kind", p.kind).Err(err).Msg("watch broke")
		select {
		case <-time.After(wait):
		case <-w.ctx.Done():
		}
		wait = min(2*wait, rewatchMost)
		w.engine.nudge(p)
	}
}

func (w *watchers) stream(p place) error {
	executor, err := w.engine.Hosts.Get(w.ctx, p.host)
	if err != nil {
		return err
	}
	err = executor.Watch(w.ctx, p.kind, func(actuators.Event) { w.engine.nudge(p) })
	if errors.Is(err, exec.ErrUnreachable) {
		w.engine.Hosts.Drop(p.host)
	}
	return err
}

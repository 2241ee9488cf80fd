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
	engine  *Engine
	running map[place]bool
	all     sync.WaitGroup
}

func newWatchers(ctx context.Context, e *Engine) *watchers {
	return &watchers{ctx: ctx, engine: e, running: map[place]bool{}}
}

// follow starts what the inventory has newly. A stream of a place that nothing is applied to any more goes on until the end:
// its hints cost nothing.
func (w *watchers) follow() {
	for _, p := range w.engine.places() {
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

// watch holds one stream and opens it anew when it breaks.
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
		if pause(w.ctx, wait) != nil {
			return
		}
		wait = min(2*wait, rewatchMost)
	}
}

// stream hears one host until its stream breaks, and has the place looked at once it stands: nothing that happened while
// nobody listened is missed.
func (w *watchers) stream(p place) error {
	executor, err := w.engine.Hosts.Get(w.ctx, p.host)
	if err != nil {
		return err
	}
	defer w.engine.View.Deaf(p.host, p.kind)
	err = executor.Watch(w.ctx, p.kind, func(e actuators.Event) {
		w.engine.View.Heard(p.host, p.kind, e)
		switch {
		case e.Standing:
			w.engine.visits.ask(p, nil)
		case e.ID == "" || e.ID.Kind() == p.kind: // a source may know other kinds, too
			w.engine.visits.ask(p, &e)
		}
	})
	if errors.Is(err, exec.ErrUnreachable) {
		w.engine.Hosts.Drop(p.host)
	}
	return err
}

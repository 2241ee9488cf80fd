// Package source lets the kinds that hear of changes from one place, such as nftables or rtnetlink, share one watch of it: one
// descriptor and one reader in an executor, however many kinds listen. Only packages below actuators may import it.
package source

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"plumbline/actuators"
)

// backlog is how many hints a listener may be behind. One that is slower has lost some, as with a source that is too fast.
const backlog = 1024

var errSlow = errors.New("cannot watch: hints came faster than they were taken")

// Shared gives a watch whose listeners hear one run of watch. It runs from the first listener to the last, and each listener
// gets its own standing event, the reason when the run breaks, and no hint late because another is slow.
func Shared(watch actuators.WatchFunc) actuators.WatchFunc {
	s := &shared{watch: watch}
	return s.listen
}

type shared struct {
	watch actuators.WatchFunc

	mu  sync.Mutex
	now *run
}

// run is one life of the watch.
type run struct {
	cancel    context.CancelFunc
	ended     chan struct{}
	err       error // once ended
	standing  *actuators.Event
	listeners map[*listener]bool
}

type listener struct {
	events chan actuators.Event
	slow   chan struct{} // closed when it lost a hint
}

func (s *shared) listen(ctx context.Context, h actuators.Host, emit func(actuators.Event)) error {
	l := &listener{events: make(chan actuators.Event, backlog), slow: make(chan struct{})}
	r := s.join(h, l)
	defer s.leave(r, l)
	for {
		select {
		case e := <-l.events:
			emit(e)
		case <-l.slow:
			return errSlow
		case <-r.ended:
			return r.end(l, emit)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// end gives the listener what came before the source broke.
func (r *run) end(l *listener, emit func(actuators.Event)) error {
	for {
		select {
		case e := <-l.events:
			emit(e)
		default:
			return r.err
		}
	}
}

// join enters the run that is there, or begins one.
func (s *shared) join(h actuators.Host, l *listener) *run {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.now == nil {
		ctx, cancel := context.WithCancel(context.Background())
		s.now = &run{cancel: cancel, ended: make(chan struct{}), listeners: map[*listener]bool{}}
		go s.run(ctx, h, s.now)
	}
	s.now.listeners[l] = true
	if s.now.standing != nil {
		l.events <- *s.now.standing
	}
	return s.now
}

func (s *shared) run(ctx context.Context, h actuators.Host, r *run) {
	err := s.watch(ctx, h, func(e actuators.Event) { s.tell(r, e) })
	if err == nil {
		err = fmt.Errorf("internal error: a watch ended without a reason")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.now == r {
		s.now = nil
	}
	r.err = err
	r.cancel()
	close(r.ended)
}

func (s *shared) tell(r *run, e actuators.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.Standing {
		r.standing = &e
	}
	for l := range r.listeners {
		select {
		case l.events <- e:
		default:
			delete(r.listeners, l)
			close(l.slow)
		}
	}
}

// leave takes a listener out; with the last one the run ends, and is waited for.
func (s *shared) leave(r *run, l *listener) {
	s.mu.Lock()
	delete(r.listeners, l)
	last := len(r.listeners) == 0
	if last && s.now == r {
		s.now = nil
	}
	s.mu.Unlock()
	if last {
		r.cancel()
		<-r.ended
	}
}

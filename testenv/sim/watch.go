package sim

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"

	"plumbline/actuators"
	"plumbline/reconcile/exec"
)

// pollEvery is how often the world looks at the files that other processes write, for all watches at once.
const pollEvery = 100 * time.Millisecond

// watchers are those who want to know of changes, by host.
type watchers struct {
	mu      sync.Mutex
	open    map[string]map[*watcher]bool
	polling bool
}

// watcher is one watch of a kind on a host. What it does not take in time becomes one hint that says "anything", as a full
// queue of a kernel does.
type watcher struct {
	kind     string
	known    stamp // of the kind's file
	events   chan actuators.Event
	anything chan struct{}
	failed   chan error
}

// queued is how many hints wait for one watcher.
const queued = 16

func (one *watcher) put(e actuators.Event) {
	select {
	case one.events <- e:
	default:
		select {
		case one.anything <- struct{}{}:
		default:
		}
	}
}

// tell hints at changes.
func (w *watchers) tell(host string, at time.Time, changed []change) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for one := range w.open[host] {
		for _, c := range changed {
			if one.kind == c.kind {
				one.put(actuators.Event{ID: c.id, Time: at, Text: c.text})
			}
		}
	}
}

// watchKind emits until the context ends or the host dies.
func (w *World) watchKind(ctx context.Context, c *conn, kind string, emit func(actuators.Event)) error {
	one := &watcher{kind: kind, events: make(chan actuators.Event, queued), anything: make(chan struct{}, 1), failed: make(chan error, 1)}
	if _, err := w.moved(c.name, one); err != nil {
		return err
	}
	w.watch.add(w, c.name, one)
	defer w.watch.remove(c.name, one)
	emit(actuators.Event{Time: w.opts.Now(), Standing: true})
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-one.failed:
			return err
		case e := <-one.events:
			emit(e)
		case <-one.anything:
			emit(actuators.Event{Time: w.opts.Now()})
		}
	}
}

func (w *watchers) add(world *World, host string, one *watcher) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.open[host] == nil {
		w.open[host] = map[*watcher]bool{}
	}
	w.open[host][one] = true
	if !w.polling {
		w.polling = true
		go world.poll()
	}
}

func (w *watchers) remove(host string, one *watcher) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if delete(w.open[host], one); len(w.open[host]) == 0 {
		delete(w.open, host)
	}
}

// poll looks at every watched host, until nobody watches any more.
func (w *World) poll() {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for range tick.C {
		hosts := w.watch.hosts()
		if hosts == nil {
			return
		}
		for host, all := range hosts {
			moved, err := w.moved(host, all...)
			for _, one := range moved {
				one.put(actuators.Event{Time: w.opts.Now()})
			}
			for _, one := range all {
				if err != nil && len(one.failed) == 0 {
					one.failed <- err
				}
			}
		}
	}
}

// hosts are those that are watched, and by whom; nil ends the polling.
func (w *watchers) hosts() map[string][]*watcher {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.polling = len(w.open) > 0; !w.polling {
		return nil
	}
	out := make(map[string][]*watcher, len(w.open))
	for host, all := range w.open {
		for one := range all {
			out[host] = append(out[host], one)
		}
	}
	return out
}

// moved tells which kinds' files are others than they were known to be; an error when the host is dead.
func (w *World) moved(host string, all ...*watcher) (moved []*watcher, err error) {
	err = w.on(host, func(v *visit) error {
		if v.host.cond.Dead {
			return fmt.Errorf("%w: %s does not answer", exec.ErrUnreachable, host)
		}
		if w.opts.Dir == "" {
			return nil
		}
		for _, one := range all {
			now, err := stampOf(v.file(one.kind))
			if err != nil {
				return err
			}
			if now != one.known {
				one.known, moved = now, append(moved, one)
			}
		}
		return nil
	})
	return moved, err
}

func unescape(dir string) (string, error) { return url.PathUnescape(strings.TrimPrefix(dir, "@")) }

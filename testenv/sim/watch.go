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

// pollEvery is how often a watch looks at the files that other processes write.
const pollEvery = 100 * time.Millisecond

// watchers are those who want to know of changes.
type watchers struct {
	mu   sync.Mutex
	open map[*watcher]bool
}

type watcher struct {
	host, kind string
	events     chan actuators.Event
}

// tell hints at changes. Who does not listen gets one hint that says "anything", as a full queue of a kernel does.
func (w *watchers) tell(host string, at time.Time, changed []change) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for one := range w.open {
		for _, c := range changed {
			if one.host != host || one.kind != c.kind {
				continue
			}
			select {
			case one.events <- actuators.Event{ID: c.id, Time: at, Text: c.text}:
			default:
			}
		}
	}
}

// run emits until the context ends or the host dies.
func (w *watchers) run(ctx context.Context, c *conn, kind string, emit func(actuators.Event)) error {
	one := &watcher{c.name, kind, make(chan actuators.Event, 1024)}
	w.mu.Lock()
	w.open[one] = true
	w.mu.Unlock()
	defer func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.open, one)
	}()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	known, err := c.stamp(kind)
	if err != nil {
		return err
	}
	emit(actuators.Event{Time: c.world.opts.Now(), Standing: true})
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case e := <-one.events:
			emit(e)
		case <-tick.C:
			now, err := c.stamp(kind)
			if err != nil {
				return err
			}
			if now != known {
				emit(actuators.Event{Time: c.world.opts.Now()})
			}
			known = now
		}
	}
}

// stamp is that of the file of a kind, of no use in memory; an error when the host is dead.
func (c *conn) stamp(kind string) (s stamp, err error) {
	err = c.world.on(c.name, func(v *visit) error {
		if v.host.cond.Dead {
			return fmt.Errorf("%w: %s does not answer", exec.ErrUnreachable, c.name)
		}
		if c.world.opts.Dir != "" {
			s, err = stampOf(v.file(kind))
		}
		return err
	})
	return s, err
}

func unescape(dir string) (string, error) { return url.PathUnescape(strings.TrimPrefix(dir, "@")) }

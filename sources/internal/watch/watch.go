// Package watch calls back when the state of a source differs from before: on
// events of the file system where there are any, and by polling always. It is
// for packages below sources only.
//
//	event ──debounce──┐
//	                  ├─→ arm watches → State() ──differs──→ changed()
//	interval+jitter ──┘
//
// Watches are armed before the state is read, so a change in between brings
// an event of its own.
package watch

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/rs/zerolog"
)

// Debounce is how long an event waits for those that belong to it: a push
// writes a lock, renames it and may pack refs, within a few milliseconds.
const Debounce = 20 * time.Millisecond

// Config says what to look at.
type Config struct {
	// State is a short text that differs when the source does. An error of
	// looking is a state as well.
	State func(ctx context.Context) string
	// Dirs lists the directories whose events count, as they are now; nil: polling only.
	Dirs func() []string
	// Matters tells whether an event on path can change the state.
	Matters func(path string) bool
	// Interval is the time between two polls, Jitter the most that is
	// added to it by chance, so that many watchers do not ask at once.
	Interval, Jitter time.Duration
	// Log gets a warning when events cannot be had.
	Log zerolog.Logger
}

// Run calls changed once at the start and whenever the state differs from that
// of the look before, until ctx ends; it returns the cause of that.
func Run(ctx context.Context, c Config, changed func()) error {
	w := newDirs(c)
	defer w.close()
	w.arm()
	last := c.State(ctx)
	changed()

	poll := time.NewTimer(c.wait())
	defer poll.Stop()
	var settled <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case e := <-w.events:
			if settled == nil && c.Matters(e.Name) {
				settled = time.After(Debounce)
			}
			continue
		case err := <-w.errors:
			// Mostly an overflow of the kernel's queue: events were lost.
			c.Log.Warn().Err(err).Msg("file system events were lost")
			if settled == nil {
				settled = time.After(Debounce)
			}
			continue
		case <-settled:
			settled = nil
		case <-poll.C:
			poll.Reset(c.wait())
		}
		w.arm()
		if now := c.State(ctx); now != last && ctx.Err() == nil {
			last = now
			changed()
		}
	}
}

func (c Config) wait() time.Duration {
	if c.Jitter <= 0 {
		return c.Interval
	}
	return c.Interval + rand.N(c.Jitter)
}

func newDirs(c Config) *dirs {
	d := &dirs{want: c.Dirs, log: c.Log, armed: map[string]identity{}, failed: map[string]bool{}}
	if c.Dirs == nil {
		return d
	}
	w, err := fsnotify.NewWatcher()
	if err != nil {
		c.Log.Warn().Err(err).Msg("no file system events: polling only")
		return d
	}
	d.watcher, d.events, d.errors = w, w.Events, w.Errors
	return d
}

package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/rs/zerolog"
)

// Bus delivers every notice of an outbox to every sink, in order for each sink; a slow or dead sink delays no other and not
// the caller. A notice was given to a sink when the sink took it, and that was written down: an end in between has it given
// once more, with the same ID.
type Bus struct {
	log     zerolog.Logger
	count   func(sink, result string)
	box     *Outbox
	outlets []outlet
	workers sync.WaitGroup
	hurry   context.Context // ended: one try each, and no pauses
	stop    context.Context // ended: nothing is sent any more
	end     context.CancelFunc
	closing chan struct{}
	closed  sync.Once
}

// outlet is one sink, its name among all, and a word that something waits for it.
type outlet struct {
	sink Sink
	key  string
	more chan struct{}
}

// What a sink refuses is tried this often; one that is away is tried until it is back. Pauses grow from the first to the most.
const (
	tries        = 5
	tryPause     = 500 * time.Millisecond
	tryPauseMost = time.Minute
)

// closeTimeout bounds how long Close waits for sinks that do not take what is queued.
const closeTimeout = 15 * time.Second

// NewBus starts one worker a sink. box nil: what waits is kept in memory. When the context ends, what is queued is still sent,
// each once; what a sink does not take then waits in the box for the next process. count, if not nil, is told of every
// delivery: "ok", "error" or "lost".
func NewBus(ctx context.Context, log zerolog.Logger, count func(sink, result string), box *Outbox, sinks ...Sink) *Bus {
	if count == nil {
		count = func(string, string) {}
	}
	if box == nil {
		box = NewOutbox()
	}
	b := &Bus{log: log, count: count, box: box, hurry: ctx, closing: make(chan struct{})}
	b.stop, b.end = context.WithCancel(context.WithoutCancel(ctx))
	var keys []string
	same := map[string]int{}
	for _, s := range sinks {
		key := s.String()
		if same[key]++; same[key] > 1 {
			key = fmt.Sprintf("%s #%d", key, same[key])
		}
		keys = append(keys, key)
		b.outlets = append(b.outlets, outlet{s, key, make(chan struct{}, 1)})
	}
	if n := box.Damage(); n > 0 {
		log.Error().Int("lines", n).Msg("part of what was to be told could not be read and is forgotten")
	}
	b.remembered(box.follow(keys))
	for _, o := range b.outlets {
		b.workers.Go(func() { b.work(o) })
	}
	return b
}

func (b *Bus) remembered(err error) {
	if err != nil {
		b.log.Error().Err(err).Msg("notices are told, and not remembered")
	}
}

// Notify decides a notice for every sink. After Close it waits for the next process, or is lost if there is no file for it.
func (b *Bus) Notify(n Notice) { b.Commit(nil, n) }

// Commit decides notices together with a change of state, see Outbox.Commit.
func (b *Bus) Commit(state map[string]json.RawMessage, notices ...Notice) {
	select {
	case <-b.closing:
		if !b.box.durable() {
			for _, n := range notices {
				for _, o := range b.outlets {
					b.lost(o, 1, n.ID)
				}
			}
			return
		}
	default:
	}
	b.remembered(b.box.Commit(state, notices...))
	for _, o := range b.outlets {
		select {
		case o.more <- struct{}{}:
		default:
		}
	}
}

// Waiting counts what each sink was not given yet.
func (b *Bus) Waiting() map[string]int { return b.box.Waiting() }

// State is what was committed under keys with this beginning.
func (b *Bus) State(prefix string) map[string]json.RawMessage { return b.box.State(prefix) }

func (b *Bus) lost(o outlet, n int, id string) {
	for range n {
		b.count(o.sink.String(), "lost")
	}
	if n > 0 {
		b.log.Error().Stringer("sink", o.sink).Int("notices", n).Str("before", id).Msg("notices are lost to a sink that is slow or closed")
	}
}

// Close delivers what is queued and stops; what a sink does not take in time is left, or given up and logged.
func (b *Bus) Close() {
	b.closed.Do(func() { close(b.closing) })
	timer := time.AfterFunc(closeTimeout, b.end)
	b.workers.Wait()
	timer.Stop()
	b.end()
}

// work gives a sink what waits for it, until the bus is closed and nothing waits any more.
func (b *Bus) work(o outlet) {
	repeat := newRepeater(o.sink)
	defer repeat.stop()
	for {
		n, number, lost, ok := b.box.after(o.key)
		b.lost(o, lost, n.ID)
		if ok {
			if !b.deliver(o, n) {
				return
			}
			b.remembered(b.box.given(o.key, number))
			continue
		}
		select {
		case <-b.closing:
			return
		default:
		}
		select {
		case <-o.more:
		case <-b.closing:
		case <-repeat.due:
			b.repeat(o)
		}
	}
}

// deliver tries until the sink has the notice, or refuses it; false: it keeps waiting, and this process sends no more.
func (b *Bus) deliver(o outlet, n Notice) bool {
	pause := tryPause
	for try := 1; ; try++ {
		sending, cancel := context.WithTimeout(b.stop, sendTimeout)
		err := o.sink.Send(sending, n)
		cancel()
		if err == nil {
			b.count(o.sink.String(), "ok")
			return true
		}
		last := b.hurry.Err() != nil || b.stop.Err() != nil
		refused := errors.Is(err, ErrRefused) && try >= tries
		if last || refused || try == tries {
			b.count(o.sink.String(), "error")
			b.log.Error().Err(err).Stringer("sink", o.sink).Str("notice", n.ID).Bool("given_up", refused || last && !b.box.durable()).Msg("cannot deliver")
		}
		switch {
		case refused:
			return true
		case last:
			return !b.box.durable()
		}
		b.wait(pause)
		pause = min(2*pause, tryPauseMost)
	}
}

func (b *Bus) wait(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-b.hurry.Done():
	case <-b.stop.Done():
	}
}

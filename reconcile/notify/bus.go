package notify

import (
	"context"
	"sync"
	"time"

	"github.com/rs/zerolog"
)

// Bus delivers every notice to every sink, in order for each sink; a slow or dead sink delays no other and not the caller.
type Bus struct {
	log     zerolog.Logger
	count   func(sink, result string)
	outlets []outlet
	workers sync.WaitGroup
	hurry   context.Context // ended: one try each, and no pauses
	stop    context.Context // ended: nothing is sent any more
	end     context.CancelFunc
}

// outlet is one sink and what waits for it.
type outlet struct {
	sink  Sink
	queue *queue
}

// tries is how often one delivery is tried, with growing pauses from tryPause on.
const (
	tries    = 5
	tryPause = 500 * time.Millisecond
)

// closeTimeout bounds how long Close waits for sinks that do not take what is queued.
const closeTimeout = 15 * time.Second

// NewBus starts one worker a sink. When the context ends, what is queued is still sent, each once. count, if not nil, is
// told of every delivery: "ok", "error" or "lost".
func NewBus(ctx context.Context, log zerolog.Logger, count func(sink, result string), sinks ...Sink) *Bus {
	if count == nil {
		count = func(string, string) {}
	}
	b := &Bus{log: log, count: count, hurry: ctx}
	b.stop, b.end = context.WithCancel(context.WithoutCancel(ctx))
	for _, s := range sinks {
		o := outlet{s, newQueue()}
		b.outlets = append(b.outlets, o)
		b.workers.Go(func() { b.work(o) })
	}
	return b
}

// Notify queues a notice for every sink. After Close it only logs.
func (b *Bus) Notify(n Notice) {
	for _, o := range b.outlets {
		lost, taken := o.queue.put(n)
		if !taken {
			lost = &n
		}
		if lost != nil {
			b.count(o.sink.String(), "lost")
			b.log.Error().Stringer("sink", o.sink).Str("notice", lost.ID).Str("reason", lost.Reason).Msg("a notice is lost to a sink that is slow or closed")
		}
	}
}

// Close delivers what is queued and stops; what a sink does not take in time is given up and logged.
func (b *Bus) Close() {
	for _, o := range b.outlets {
		o.queue.close()
	}
	timer := time.AfterFunc(closeTimeout, b.end)
	b.workers.Wait()
	timer.Stop()
	b.end()
}

func (b *Bus) work(o outlet) {
	for n, ok := o.queue.next(); ok; n, ok = o.queue.next() {
		b.deliver(o.sink, n)
	}
}

func (b *Bus) deliver(s Sink, n Notice) {
	pause := tryPause
	for try := 1; ; try++ {
		sending, cancel := context.WithTimeout(b.stop, sendTimeout)
		err := s.Send(sending, n)
		cancel()
		if err == nil {
			b.count(s.String(), "ok")
			return
		}
		if try == tries || b.hurry.Err() != nil || b.stop.Err() != nil {
			b.count(s.String(), "error")
			b.log.Error().Err(err).Stringer("sink", s).Str("notice", n.ID).Msg("cannot deliver")
			return
		}
		b.wait(pause)
		pause *= 2
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

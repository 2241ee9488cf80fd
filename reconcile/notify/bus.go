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
	queues  []chan Notice
	workers sync.WaitGroup
	count   func(sink, result string)
}

// queueLength is how many notices wait for one sink before the oldest news are given up and that is logged.
const queueLength = 1024

// tries is how often one delivery is tried, with growing pauses from tryPause on.
const (
	tries    = 5
	tryPause = 500 * time.Millisecond
)

// NewBus starts one worker a sink. count, if not nil, is told of every delivery.
func NewBus(ctx context.Context, log zerolog.Logger, count func(sink, result string), sinks ...Sink) *Bus {
	if count == nil {
		count = func(string, string) {}
	}
	b := &Bus{log: log, count: count}
	for _, s := range sinks {
		queue := make(chan Notice, queueLength)
		b.queues = append(b.queues, queue)
		b.workers.Go(func() {
			for n := range queue {
				b.deliver(ctx, s, n)
			}
		})
	}
	return b
}

// Notify queues a notice for every sink.
func (b *Bus) Notify(n Notice) {
	for _, queue := range b.queues {
		select {
		case queue <- n:
		default:
			b.log.Error().Str("notice", n.ID).Msg("a sink is too slow; a notice is lost to it")
		}
	}
}

// Close delivers what is queued and stops. Nothing may be notified afterwards.
func (b *Bus) Close() {
	for _, queue := range b.queues {
		close(queue)
	}
	b.workers.Wait()
}

func (b *Bus) deliver(ctx context.Context, s Sink, n Notice) {
	pause := tryPause
	for try := 1; ; try++ {
		sending, cancel := context.WithTimeout(context.WithoutCancel(ctx), sendTimeout)
		err := s.Send(sending, n)
		cancel()
		if err == nil {
			b.count(s.String(), "ok")
			return
		}
		if try == tries || ctx.Err() != nil {
			b.count(s.String(), "error")
			b.log.Error().Err(err).Stringer("sink", s).Str("notice", n.ID).Msg("cannot deliver")
			return
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
		pause *= 2
	}
}

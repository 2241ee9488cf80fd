package notify

import (
	"context"
	"time"
)

// Repeats is a sink that forgets what fires unless it is told again, as Alertmanager does.
type Repeats interface {
	Sink
	// Every is how often it wants to be told.
	Every() time.Duration
	// Repeat tells all that fires.
	Repeat(ctx context.Context, open []Notice) error
}

// repeater ticks for a sink that repeats; for others never.
type repeater struct {
	ticker *time.Ticker
	due    <-chan time.Time
}

func newRepeater(s Sink) repeater {
	if r, ok := s.(Repeats); ok {
		t := time.NewTicker(r.Every())
		return repeater{t, t.C}
	}
	return repeater{}
}

func (r repeater) stop() {
	if r.ticker != nil {
		r.ticker.Stop()
	}
}

// repeat tells a sink again what fires. One that fails is tried at the next turn.
func (b *Bus) repeat(o outlet) {
	open := b.box.Open()
	if len(open) == 0 {
		return
	}
	sending, cancel := context.WithTimeout(b.stop, sendTimeout)
	defer cancel()
	if err := o.sink.(Repeats).Repeat(sending, open); err != nil {
		b.count(o.sink.String(), "error")
		b.log.Warn().Err(err).Stringer("sink", o.sink).Msg("cannot repeat what fires")
	}
}

package notify

import (
	"context"
	"errors"
	"time"

	"github.com/rs/zerolog"
)

// Sink is one place that notices go to. Send is called by one goroutine at a time and ends with its context. String names
// the sink in logs and metrics and holds no secret.
type Sink interface {
	Send(ctx context.Context, n Notice) error
	String() string
}

// ErrRefused means that a sink was there and does not take this notice: trying it for ever would keep back all that follow.
var ErrRefused = errors.New("it is refused")

// sendTimeout bounds one delivery to one sink.
const sendTimeout = 10 * time.Second

// Log writes notices to the controller's log.
type Log struct{ Logger zerolog.Logger }

// Send writes one line.
func (l Log) Send(_ context.Context, n Notice) error {
	level := zerolog.InfoLevel
	if n.Severity != Info && n.Status != Resolved {
		level = zerolog.WarnLevel
	}
	e := l.Logger.WithLevel(level).Str("reason", n.Reason).Str("status", string(n.Status))
	if n.Object.ID != "" {
		e = e.Stringer("object", n.Object).Stringer("declared", n.Declared)
	}
	if n.Commit != "" {
		e = e.Str("commit", n.Commit)
	}
	if len(n.Details) > 0 {
		e = e.Interface("details", n.Details)
	}
	e.Msg(n.Message)
	return nil
}

// String is "log".
func (l Log) String() string { return "log" }

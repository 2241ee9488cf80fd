package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/rs/zerolog"
)

// Sink is one place that notices go to.
type Sink interface {
	Send(ctx context.Context, n Notice) error
	String() string
}

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

func (l Log) String() string { return "log" }

// File appends one JSON notice a line.
type File struct {
	Path string
	mu   sync.Mutex
}

// Send appends and syncs.
func (f *File) Send(_ context.Context, n Notice) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	data, err := json.Marshal(n)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(f.Path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	if _, err = file.Write(append(data, '\n')); err == nil {
		err = file.Sync()
	}
	if closing := file.Close(); err == nil {
		err = closing
	}
	return err
}

func (f *File) String() string { return "file " + f.Path }

// Webhook posts each notice as JSON.
type Webhook struct {
	URL    string
	Client *http.Client // nil: one with a timeout of its own
}

// Send posts; an answer of 300 and above is an error.
func (w *Webhook) Send(ctx context.Context, n Notice) error {
	data, err := json.Marshal(n)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, w.URL, bytes.NewReader(data))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Idempotency-Key", n.ID+"/"+string(n.Status))
	client := w.Client
	if client == nil {
		client = &http.Client{Timeout: sendTimeout}
	}
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	answer.Body.Close()
	if answer.StatusCode >= 300 {
		return fmt.Errorf("%s answered %s", w.URL, answer.Status)
	}
	return nil
}

func (w *Webhook) String() string { return "webhook " + w.URL }

// sendTimeout bounds one delivery to one sink.
const sendTimeout = 10 * time.Second

package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// Webhook posts each notice as JSON. The same notice has the same Idempotency-Key at every try. Path and query of the URL
// are often a secret: neither errors nor String tell them.
type Webhook struct {
	URL    string
	Client *http.Client // nil: the default one; every delivery is bounded anyway
}

// Send posts; an answer of 300 and above is an error.
func (w *Webhook) Send(ctx context.Context, n Notice) error {
	data, err := json.Marshal(n)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, w.URL, bytes.NewReader(data))
	if err != nil {
		return fmt.Errorf("cannot post to %s: the URL is not one", w.place())
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Idempotency-Key", n.ID)
	client := w.Client
	if client == nil {
		client = http.DefaultClient
	}
	answer, err := client.Do(request)
	if err != nil {
		var wrapped *url.Error
		if errors.As(err, &wrapped) {
			err = wrapped.Err
		}
		return fmt.Errorf("cannot post to %s: %w", w.place(), err)
	}
	defer answer.Body.Close()
	_, _ = io.CopyN(io.Discard, answer.Body, 64<<10) // so that the connection is used again
	if answer.StatusCode >= 300 {
		return fmt.Errorf("cannot post to %s: it answered %s", w.place(), answer.Status)
	}
	return nil
}

// String is "webhook SCHEME://HOST".
func (w *Webhook) String() string { return "webhook " + w.place() }

func (w *Webhook) place() string {
	u, err := url.Parse(w.URL)
	if err != nil || u.Host == "" {
		return "(bad URL)"
	}
	return u.Scheme + "://" + u.Host
}

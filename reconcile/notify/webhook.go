package notify

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
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
	Key    string       // signs each body: "X-Signature: sha256=HEX", HMAC-SHA256 (RFC 2104) of it; "" = not signed
	Bearer string       // sent as "Authorization: Bearer …"; "" = none
	Client *http.Client // nil: the default one; every delivery is bounded anyway
}

// Send posts; an answer of 300 and above is an error.
func (w *Webhook) Send(ctx context.Context, n Notice) error {
	return w.post(ctx, w.URL, n, http.Header{"Idempotency-Key": {n.ID}})
}

func (w *Webhook) post(ctx context.Context, to string, body any, header http.Header) error {
	data, err := json.Marshal(body)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(data))
	if err != nil {
		return fmt.Errorf("cannot post to %s: the URL is not one", w.place())
	}
	request.Header = header
	request.Header.Set("Content-Type", "application/json")
	if w.Key != "" {
		request.Header.Set("X-Signature", Signature(w.Key, data))
	}
	if w.Bearer != "" {
		request.Header.Set("Authorization", "Bearer "+w.Bearer)
	}
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
	switch {
	case answer.StatusCode < 300:
		return nil
	case passing(answer.StatusCode):
		return fmt.Errorf("cannot post to %s: it answered %s", w.place(), answer.Status)
	}
	return fmt.Errorf("cannot post to %s: %w, it answered %s", w.place(), ErrRefused, answer.Status)
}

// passing tells whether an answer may be another one later: faults of the server, and "not now".
func passing(code int) bool {
	return code >= 500 || code == http.StatusRequestTimeout || code == http.StatusTooEarly || code == http.StatusTooManyRequests
}

// Signature is what X-Signature says of a body.
func Signature(key string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
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

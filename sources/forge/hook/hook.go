// Package hook receives what a forge tells by webhooks. Nothing in a delivery is believed but that something happened: who is told looks
// for itself. A delivery is refused unless a secret of ours signed its very bytes, and when it came before.
package hook

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"plumbline/sources/forge"
)

// Hint is what may have happened; zero fields say nothing.
type Hint struct {
	Branch string // that was pushed to
	Number int64  // of the request that something happened to
	Queue  string // branch that something waits for in its merge queue
}

// Receiver answers deliveries. All fields but Count, Log and Now are needed.
type Receiver struct {
	Kind    forge.Kind
	Secrets func() ([][]byte, error) // those that count now: two while one is replaced
	Seen    *Seen
	Accept  func(Hint)     // must return soon
	Count   func(code int) // of each answer
	Log     zerolog.Logger
	Now     func() time.Time
}

// Bounds of what strangers may send. As those of Flux's receiver; Argo CD takes 50 MB.
const (
	mostBody    = 3 << 20
	mostHeaders = 256 << 10
	mostAtOnce  = 16
	headerTime  = 10 * time.Second
	readTime    = 30 * time.Second
)

// Serve answers on a listener until the context ends.
func (r *Receiver) Serve(ctx context.Context, listener net.Listener) error {
	server := &http.Server{
		Handler: r.Handler(), ReadHeaderTimeout: headerTime, ReadTimeout: readTime, WriteTimeout: readTime, IdleTimeout: time.Minute, MaxHeaderBytes: mostHeaders,
	}
	stop := context.AfterFunc(ctx, func() { server.Close() })
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return ctx.Err()
}

// Handler answers 202 for what is taken, 401 for what nobody signed who may, 404 beside the path, 409 for what came before, and 400, 405, 413
// and 503 for what cannot be read.
func (r *Receiver) Handler() http.Handler {
	places := make(chan struct{}, mostAtOnce)
	return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		code, why := http.StatusServiceUnavailable, "too many deliveries at once"
		select {
		case places <- struct{}{}:
			code, why = r.take(w, q)
			<-places
		default:
		}
		if r.Count != nil {
			r.Count(code)
		}
		if code == http.StatusAccepted {
			w.WriteHeader(code)
			return
		}
		r.Log.Debug().Int("code", code).Str("from", q.RemoteAddr).Msg("refused a delivery: " + why)
		http.Error(w, why, code)
	})
}

func (r *Receiver) take(w http.ResponseWriter, q *http.Request) (code int, why string) {
	secrets, err := r.Secrets()
	if err != nil || len(secrets) == 0 {
		return http.StatusServiceUnavailable, "the secrets cannot be read here"
	}
	if one(secrets, func(secret []byte) bool { return Path(secret) == q.URL.Path }) != nil {
		return http.StatusNotFound, "not found"
	}
	if q.Method != http.MethodPost {
		return http.StatusMethodNotAllowed, "want POST"
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, q.Body, mostBody))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return http.StatusRequestEntityTooLarge, "the body is too large"
	case err != nil:
		return http.StatusBadRequest, "the body cannot be read"
	}
	now := time.Now
	if r.Now != nil {
		now = r.Now
	}
	if err := verify(r.Kind, q.Header, body, secrets, now()); err != nil {
		return http.StatusUnauthorized, err.Error()
	}
	if !strings.HasPrefix(q.Header.Get("Content-Type"), "application/json") {
		return http.StatusBadRequest, "want the content type application/json"
	}
	hint, err := read(body)
	if err != nil {
		return http.StatusBadRequest, "the body is no JSON object"
	}
	if !r.Seen.First(now(), deliveries(r.Kind, q.Header, body)...) {
		return http.StatusConflict, "this delivery came before"
	}
	if hint != (Hint{}) {
		r.Accept(hint)
	}
	return http.StatusAccepted, ""
}

// deliveries are the names that a delivery goes by: the forge's and, as that is not signed, one of the bytes that are. One of GitLab's tokens
// signs no bytes; two of its deliveries may well be equal.
func deliveries(kind forge.Kind, h http.Header, body []byte) []string {
	id := ""
	for _, name := range []string{"Webhook-Id", "X-Github-Delivery", "X-Forgejo-Delivery", "X-Gitea-Delivery", "Idempotency-Key", "X-Gitlab-Event-Uuid"} {
		id = cmp.Or(id, h.Get(name))
	}
	var names []string
	if id != "" {
		names = append(names, digest("id", []byte(id)))
	}
	if kind != forge.GitLab || id == "" {
		names = append(names, digest("body", body))
	}
	return names
}

// digest keeps a name short whatever a forge calls it.
func digest(what string, text []byte) string {
	s := sha256.Sum256(append([]byte(what+"\x00"), text...))
	return hex.EncodeToString(s[:16])
}

// branch is the name of a ref; "" = it is a tag, or nothing.
func branch(ref string) string {
	name, ok := strings.CutPrefix(ref, "refs/heads/")
	if !ok {
		return ""
	}
	return name
}

// read finds what a delivery is about, whichever forge it is of.
func read(body []byte) (h Hint, err error) {
	type numbered struct {
		Number int64           `json:"number"`
		IID    int64           `json:"iid"`
		Pull   json.RawMessage `json:"pull_request"`
	}
	var in struct {
		Ref        string   `json:"ref"`
		ObjectKind string   `json:"object_kind"`
		Pull       numbered `json:"pull_request"`
		Issue      numbered `json:"issue"`
		Merge      numbered `json:"merge_request"`
		Attributes numbered `json:"object_attributes"`
		Group      struct {
			Base string `json:"base_ref"`
		} `json:"merge_group"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return h, err
	}
	h.Branch, h.Queue = branch(in.Ref), branch(in.Group.Base)
	h.Number = cmp.Or(in.Pull.Number, in.Merge.IID)
	if in.ObjectKind == "merge_request" {
		h.Number = in.Attributes.IID
	}
	if h.Number == 0 && len(in.Issue.Pull) > 0 && string(in.Issue.Pull) != "null" {
		h.Number = in.Issue.Number
	}
	return h, nil
}

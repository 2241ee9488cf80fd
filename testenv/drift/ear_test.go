package drift

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"

	"plumbline/reconcile/notify"
	"plumbline/testenv/site"
)

// ear is a signed webhook that keeps what it was told. Nobody polls it: who waits is woken.
type ear struct {
	*httptest.Server
	mu    sync.Mutex
	heard []site.Notice
	more  chan struct{} // closed by the next notice
}

func listen() *ear {
	e := &ear{more: make(chan struct{})}
	e.Server = httptest.NewServer(http.HandlerFunc(e.hear))
	return e
}

// hookKey is what the webhook's bodies are signed with.
const hookKey = "an-hmac-key-of-a-test"

func (e *ear) hear(w http.ResponseWriter, q *http.Request) {
	var n site.Notice
	body, err := io.ReadAll(q.Body)
	if err == nil && q.Header.Get("X-Signature") != notify.Signature(hookKey, body) {
		err = fmt.Errorf("the signature is %q", q.Header.Get("X-Signature"))
	}
	if err == nil {
		err = json.Unmarshal(body, &n)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.heard = append(e.heard, n)
	close(e.more)
	e.more = make(chan struct{})
}

// about are the notices about an object so far but those of plans that went through; "" = about anything.
func (e *ear) about(object string) (out []site.Notice, more <-chan struct{}) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, n := range e.heard {
		if n.Reason != "ApplySucceeded" && (object == "" || n.Object == object) {
			out = append(out, n)
		}
	}
	return out, e.more
}

// next waits until an object has more than so many notices, and gives the one that came.
func (e *ear) next(ctx context.Context, object string, so int) (site.Notice, error) {
	for {
		all, more := e.about(object)
		if len(all) > so {
			return all[so], nil
		}
		select {
		case <-more:
		case <-ctx.Done():
			return site.Notice{}, fmt.Errorf("nothing was told of %s", object)
		}
	}
}

// fields are what a firing names, in its order: paths, or "is gone".
func fields(n site.Notice) string {
	text, _ := strings.CutPrefix(n.Message, n.Object+" ")
	text, _, _ = strings.Cut(text, "; it is left as it is")
	rest, differs := strings.CutPrefix(text, "differs: ")
	if !differs {
		return text
	}
	var out []string
	for part := range strings.SplitSeq(rest, "; ") {
		path, _, _ := strings.Cut(part, " is ")
		out = append(out, path)
	}
	return strings.Join(out, " ")
}

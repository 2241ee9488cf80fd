// Package forgetest is a forge over HTTP that keeps state: requests, comments in pages and statuses, in the dialects of
// GitHub, Gitea and GitLab at once, with what goes wrong there. It listens on loopback, for tests only.
package forgetest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// Comment is a comment as it stands.
type Comment struct {
	ID     int64
	Author string
	Body   string
}

// Forge is one project with one request.
type Forge struct {
	URL   string // of the server
	Token string // that is let in
	Login string // whose it is
	Head  string // newest commit of the request
	Pages int    // how many comments are in a page at most; 0 = as many as are asked for

	mu       sync.Mutex
	comments []Comment
	statuses []map[string]string
	calls    []string
	faults   []Fault
}

// Fault makes a call go wrong once.
type Fault struct {
	Method string
	Status int
	After  bool // the call is carried out, and its answer lost
}

// New starts a forge; it ends with the test.
func New(t *testing.T) *Forge {
	f := &Forge{Token: "t0ken", Login: "plumb-bot", Head: strings.Repeat("a", 40)}
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	f.URL = server.URL
	return f
}

// Address of the request, in the dialect of a forge.
func (f *Forge) Address(dialect string) string {
	return f.URL + map[string]string{"github": "/ops/boston/pull/7", "gitea": "/ops/boston/pulls/7", "gitlab": "/ops/sites/boston/-/merge_requests/7"}[dialect]
}

// Fail makes the next calls of these kinds go wrong.
func (f *Forge) Fail(faults ...Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults = append(f.faults, faults...)
}

// Comment puts a comment of somebody there.
func (f *Forge) Comment(author, body string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.comments = append(f.comments, Comment{ID: int64(len(f.comments) + 1), Author: author, Body: body})
}

// Comments are all there are.
func (f *Forge) Comments() []Comment {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]Comment(nil), f.comments...)
}

// Statuses are all that were set: commit, state, context and description.
func (f *Forge) Statuses() []map[string]string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]map[string]string(nil), f.statuses...)
}

// Calls are all that came, as "METHOD path".
func (f *Forge) Calls() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.calls...)
}

// ServeHTTP answers a call.
func (f *Forge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, r.Method+" "+r.URL.Path)
	var fault Fault
	for i, next := range f.faults {
		if next.Method == r.Method {
			fault, f.faults = next, append(f.faults[:i:i], f.faults[i+1:]...)
			break
		}
	}
	switch {
	case fault.Status != 0 && !fault.After:
		refuse(w, fault.Status)
	case !f.known(r):
		refuse(w, http.StatusUnauthorized)
	case fault.After:
		f.answer(httptest.NewRecorder(), r)
		refuse(w, fault.Status)
	default:
		f.answer(w, r)
	}
}

func (f *Forge) known(r *http.Request) bool {
	given := r.Header.Get("Authorization") + r.Header.Get("Private-Token")
	_, token, _ := strings.Cut(given, " ")
	return token == f.Token || given == f.Token
}

func refuse(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"message": "no: %d"}`, status)
}

// answer is the same for all dialects but for names: /api/v3 is GitHub's, /api/v1 Gitea's, /api/v4 GitLab's.
func (f *Forge) answer(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, "/api/v1"), "/api/v3"), "/api/v4")
	parts := strings.Split(strings.Trim(path, "/"), "/")
	last := parts[len(parts)-1]
	switch {
	case path == "/user":
		reply(w, map[string]any{"id": 1, "login": f.Login, "username": f.Login})
	case (last == "comments" || last == "notes") && r.Method == http.MethodGet:
		f.list(w, r)
	case last == "comments" || last == "notes":
		f.comments = append(f.comments, Comment{ID: int64(len(f.comments) + 1), Author: f.Login, Body: body(r)["body"]})
		w.WriteHeader(http.StatusCreated)
		reply(w, shape(f.comments[len(f.comments)-1]))
	case r.Method == http.MethodPatch || r.Method == http.MethodPut:
		f.edit(w, last, body(r)["body"])
	case strings.Contains(path, "/statuses/"):
		status := body(r)
		status["commit"] = last
		f.statuses = append(f.statuses, status)
		w.WriteHeader(http.StatusCreated)
		reply(w, map[string]any{"id": 1})
	case last == "7" && r.Method == http.MethodGet:
		reply(w, map[string]any{"number": 7, "iid": 7, "head": map[string]string{"sha": f.Head}, "sha": f.Head})
	default:
		refuse(w, http.StatusNotFound)
	}
}

func (f *Forge) list(w http.ResponseWriter, r *http.Request) {
	number := func(names ...string) int {
		for _, name := range names {
			if n, err := strconv.Atoi(r.URL.Query().Get(name)); err == nil {
				return n
			}
		}
		return 0
	}
	size := number("per_page", "limit")
	if f.Pages > 0 {
		size = min(size, f.Pages)
	}
	n := max(number("page"), 1)
	begin, end := min((n-1)*size, len(f.comments)), min(n*size, len(f.comments))
	if end < len(f.comments) {
		next := *r.URL
		query := next.Query()
		query.Set("page", strconv.Itoa(n+1))
		next.RawQuery = query.Encode()
		w.Header().Set("Link", fmt.Sprintf(`<%s%s>; rel="next"`, f.URL, next.String()))
		w.Header().Set("X-Next-Page", strconv.Itoa(n+1))
	}
	all := []any{}
	for _, c := range f.comments[begin:end] {
		all = append(all, shape(c))
	}
	reply(w, all)
}

func (f *Forge) edit(w http.ResponseWriter, id, text string) {
	for i := range f.comments {
		if strconv.FormatInt(f.comments[i].ID, 10) == id {
			f.comments[i].Body = text
			reply(w, shape(f.comments[i]))
			return
		}
	}
	refuse(w, http.StatusNotFound)
}

func shape(c Comment) map[string]any {
	who := map[string]any{"id": 1, "login": c.Author, "username": c.Author}
	return map[string]any{"id": c.ID, "body": c.Body, "user": who, "author": who}
}

func body(r *http.Request) map[string]string {
	out := map[string]string{}
	var in map[string]any
	if json.NewDecoder(r.Body).Decode(&in) == nil {
		for name, value := range in {
			out[name] = fmt.Sprint(value)
		}
	}
	return out
}

func reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // a client that hung up is the test's to see
}

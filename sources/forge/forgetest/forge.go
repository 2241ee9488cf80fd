// Package forgetest is a forge over HTTP that keeps state: requests, comments in pages and statuses, in the dialects of
// GitHub, Gitea and GitLab at once, with what goes wrong there. It listens on loopback, for tests only.
package forgetest

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Comment is a comment as it stands.
type Comment struct {
	ID     int64
	Number int64 // of its request
	Author string
	Body   string
	Signs  []string // answers to it, as the dialect calls them
}

// Pull is a request as it stands.
type Pull struct {
	Number int64
	Head   string // newest commit
	Branch string // that it is for
	From   string // branch that it is of
	Title  string
	Body   string
	Author string
	Fork   bool
	Closed bool
	Merged string // commit that it became
}

// Forge is one project.
type Forge struct {
	URL        string   // of the server
	Token      string   // that is let in
	Login      string   // whose it is
	Repository string   // bare, in which branches, files and commits lie; "" = it has none
	Secrets    []string // that nobody may tell it, beside the token
	Pages      int      // how many things are in a page at most; 0 = as many as are asked for

	People map[string]string // others that are let in, by token

	mu       sync.Mutex
	pulls    []Pull
	comments []Comment
	writers  []string // who may push
	statuses []map[string]string
	queued   []string // commits in the merge queue
	calls    []string
	leaks    []string // calls that told a secret
	faults   []Fault
}

// Fault makes a call go wrong once.
type Fault struct {
	Method string
	Path   string // how it ends; "" = any
	Status int
	After  bool          // the call is carried out, and its answer lost
	Later  string        // Retry-After
	Until  chan struct{} // the body of the answer comes when this is closed
}

// Begin is a forge without requests, for which nobody listens yet.
func Begin() *Forge { return &Forge{Token: "t0ken", Login: "plumb-bot"} }

// New starts a forge; it ends with the test. It begins with one request, number 7.
func New(t testing.TB) *Forge {
	f := Begin()
	f.Set(Pull{Number: 7, Head: strings.Repeat("a", 40), Branch: "main", Author: "ada"})
	server := httptest.NewServer(f)
	t.Cleanup(func() {
		server.Close()
		for _, call := range f.leaks {
			t.Errorf("a secret is told: %s", call)
		}
	})
	f.URL = server.URL
	return f
}

// Address of request 7, in the dialect of a forge.
func (f *Forge) Address(dialect string) string {
	return f.Project(dialect) + map[string]string{"github": "/pull/7", "gitea": "/pulls/7", "gitlab": "/-/merge_requests/7"}[dialect]
}

// Project is the address of the project, in the dialect of a forge.
func (f *Forge) Project(dialect string) string {
	return f.URL + map[string]string{"github": "/ops/boston", "gitea": "/ops/boston", "gitlab": "/ops/sites/boston"}[dialect]
}

// Fail makes the next calls of these kinds go wrong.
func (f *Forge) Fail(faults ...Fault) { f.locked(func() { f.faults = append(f.faults, faults...) }) }

// Set makes a request, or changes the one of that number.
func (f *Forge) Set(p Pull) {
	f.locked(func() {
		if i := slices.IndexFunc(f.pulls, func(old Pull) bool { return old.Number == p.Number }); i >= 0 {
			f.pulls[i] = p
			return
		}
		f.pulls = append(f.pulls, p)
	})
}

// Pull is the request of a number.
func (f *Forge) Pull(number int64) (p Pull) {
	f.locked(func() {
		if i := slices.IndexFunc(f.pulls, func(p Pull) bool { return p.Number == number }); i >= 0 {
			p = f.pulls[i]
		}
	})
	return p
}

// Queue makes these commits, each for request 7, the whole merge queue of the branch main.
func (f *Forge) Queue(commits ...string) { f.locked(func() { f.queued = commits }) }

// Allow lets accounts push.
func (f *Forge) Allow(accounts ...string) { f.locked(func() { f.writers = accounts }) }

// Comment puts a comment of somebody on request 7.
func (f *Forge) Comment(author, body string) { f.locked(func() { f.comment(7, author, body) }) }

func (f *Forge) comment(number int64, author, body string) Comment {
	f.comments = append(f.comments, Comment{ID: int64(len(f.comments) + 1), Number: number, Author: author, Body: body})
	return f.comments[len(f.comments)-1]
}

// Comments are all there are.
func (f *Forge) Comments() (all []Comment) {
	f.locked(func() { all = slices.Clone(f.comments) })
	return all
}

// Statuses are all that were set: commit, state, context and description.
func (f *Forge) Statuses() (all []map[string]string) {
	f.locked(func() { all = slices.Clone(f.statuses) })
	return all
}

// Calls are all that came, as "METHOD path".
func (f *Forge) Calls() (all []string) {
	f.locked(func() { all = slices.Clone(f.calls) })
	return all
}

func (f *Forge) locked(do func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	do()
}

// fault takes the next one for a call.
func (f *Forge) fault(r *http.Request) (fault Fault) {
	f.locked(func() {
		f.calls = append(f.calls, r.Method+" "+r.URL.Path)
		if i := slices.IndexFunc(f.faults, func(next Fault) bool { return next.Method == r.Method && strings.HasSuffix(r.URL.Path, next.Path) }); i >= 0 {
			fault = f.faults[i]
			f.faults = slices.Delete(f.faults, i, i+1)
		}
	})
	return fault
}

// ServeHTTP answers a call.
func (f *Forge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	fault := f.fault(r)
	if fault.Until != nil {
		w.WriteHeader(http.StatusOK)
		w.(http.Flusher).Flush()
		select {
		case <-fault.Until:
		case <-r.Context().Done():
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	long := f.hear(r)
	if fault.Later != "" {
		w.Header().Set("Retry-After", fault.Later)
	}
	switch {
	case fault.Status != 0 && !fault.After:
		refuse(w, fault.Status)
	case !f.known(r):
		refuse(w, http.StatusUnauthorized)
	case long:
		refuse(w, http.StatusUnprocessableEntity)
	case fault.After:
		f.answer(httptest.NewRecorder(), r)
		refuse(w, fault.Status)
	default:
		f.answer(w, r)
	}
}

// longest is how long a comment may be: as GitHub's, the shortest of all.
const longest = 65_536

// hear looks for secrets in a call, in the forms that things are sent in, and tells whether it is longer than any forge takes.
func (f *Forge) hear(r *http.Request) (long bool) {
	data, _ := io.ReadAll(r.Body) // half a body is no JSON
	r.Body = io.NopCloser(bytes.NewReader(data))
	all := r.URL.String() + string(data)
	for _, secret := range append(f.Secrets, f.Token) {
		for _, form := range []string{secret, base64.StdEncoding.EncodeToString([]byte(secret)), hex.EncodeToString([]byte(secret)), url.QueryEscape(secret)} {
			if strings.Contains(all, strings.TrimRight(form, "=")) {
				f.leaks = append(f.leaks, r.Method+" "+all)
			}
		}
	}
	var in struct{ Body string }
	_ = json.Unmarshal(data, &in)
	return len(in.Body) > longest
}

func (f *Forge) known(r *http.Request) bool { return f.caller(r) != "" }

// caller is whose token a call bears; "" is nobody's.
func (f *Forge) caller(r *http.Request) string {
	token := r.Header.Get("Authorization") + r.Header.Get("Private-Token")
	if _, behind, ok := strings.Cut(token, " "); ok {
		token = behind
	}
	if token == f.Token {
		return f.Login
	}
	return f.People[token]
}

func refuse(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"message": "no: %d"}`, status)
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

// Package forge is the tests' forge as a program of the laboratory: a person without an account can try previews with it. It
// speaks as Gitea, GitHub and GitLab do, keeps all in memory, listens on loopback and tells what it is told.
package forge

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"plumbline/sources/forge/forgetest"
)

// The accounts: plumb's own, somebody who may push, and somebody who may not. The token of a person is the name.
const (
	Token    = "t0ken"
	Writer   = "ada"
	Stranger = "eve"
)

// Serve answers until the context ends. The bare repository holds the branches of requests.
func Serve(ctx context.Context, listen, repository string, out io.Writer) error {
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return fmt.Errorf("cannot listen: %w", err)
	}
	if !listener.Addr().(*net.TCPAddr).IP.IsLoopback() {
		return errors.Join(fmt.Errorf("cannot listen on %s: this forge is for loopback alone", listen), listener.Close())
	}
	f := forgetest.Begin()
	f.URL, f.Repository, f.Token = "http://"+listener.Addr().String(), repository, Token
	f.People = map[string]string{Writer: Writer, Stranger: Stranger}
	f.Allow(f.Login, Writer)
	fmt.Fprintf(out, "%s follows %s\ntokens: %s (%s), %s (may push), %s (may not)\n", f.Project("gitea"), repository, Token, f.Login, Writer, Stranger)
	server := &http.Server{Handler: &telling{Forge: f, out: out}, ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(ctx, func() { server.Close() })
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// telling says what changes.
type telling struct {
	*forgetest.Forge
	out io.Writer

	mu       sync.Mutex
	comments []forgetest.Comment
	statuses int
}

// ServeHTTP implements http.Handler.
func (t *telling) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	t.Forge.ServeHTTP(w, r)
	if r.Method == http.MethodGet {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.Comments()
	for n, c := range now {
		switch {
		case n >= len(t.comments):
			fmt.Fprintf(t.out, "\n%s comments on request %d:\n%s", c.Author, c.Number, indented(c.Body))
		case c.Body != t.comments[n].Body:
			fmt.Fprintf(t.out, "\n%s changes the comment on request %d:\n%s", c.Author, c.Number, indented(c.Body))
		case len(c.Signs) > len(t.comments[n].Signs):
			fmt.Fprintf(t.out, "\n%s is answered with %s\n", c.Author, c.Signs[len(c.Signs)-1])
		}
	}
	t.comments = now
	for _, s := range t.Statuses()[t.statuses:] {
		fmt.Fprintf(t.out, "\nstatus %s on %.10s: %s, %s\n", s["context"], s["commit"], s["state"], s["description"])
		t.statuses++
	}
}

func indented(text string) string {
	return "    " + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n    ") + "\n"
}

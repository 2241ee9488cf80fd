package git_test

import (
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"plumbline/sources"
	"plumbline/sources/git"
)

// forge serves the bare repository of a world by git-http-backend over TLS to
// those who know the token.
type forge struct {
	*httptest.Server
	token string
	down  atomic.Bool   // answers 503
	stall chan struct{} // if set, answers when it is closed
}

func newForge(w *world) *forge {
	w.t.Helper()
	f := &forge{token: "t0ken"}
	backend := &cgi.Handler{
		Path: filepath.Join(w.run(w.work, "--exec-path"), "git-http-backend"),
		Env:  []string{"GIT_PROJECT_ROOT=" + filepath.Dir(w.bare), "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null"},
	}
	f.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		_, password, _ := r.BasicAuth()
		switch {
		case f.stall != nil:
			<-f.stall
		case f.down.Load():
			http.Error(rw, "down", http.StatusServiceUnavailable)
		case password != f.token:
			rw.Header().Set("WWW-Authenticate", `Basic realm="forge"`)
			http.Error(rw, "who are you", http.StatusUnauthorized)
		default:
			backend.ServeHTTP(rw, r)
		}
	}))
	quiet := log.New(io.Discard, "", 0) // of handshakes that are meant to fail
	f.Config.ErrorLog, backend.Logger, backend.Stderr = quiet, quiet, io.Discard
	f.StartTLS()
	w.t.Cleanup(f.Close)
	return f
}

// config is the Config of somebody who knows token and certificate.
func (f *forge) config(t *testing.T) git.Config {
	t.Helper()
	dir := t.TempDir()
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: f.Certificate().Raw})
	return git.Config{
		URL:      f.URL + "/dc.git",
		CacheDir: filepath.Join(dir, "cache"),
		Interval: 20 * time.Millisecond,
		Auth:     git.Auth{TokenFile: file(t, dir, "token", f.token+"\n"), CAFile: file(t, dir, "ca.pem", string(ca))},
	}
}

func file(t *testing.T, dir, name, content string) string {
	t.Helper()
	p := filepath.Join(dir, name)
	if err := os.WriteFile(p, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}

func wantUnreachable(t *testing.T, s *git.Source, text string) {
	t.Helper()
	_, err := s.Head(t.Context())
	if !errors.Is(err, sources.ErrUnreachable) || !strings.Contains(err.Error(), text) {
		t.Errorf("error = %v; want unreachable, %q", err, text)
	}
}

func TestHTTPSFetchesAndPolls(t *testing.T) {
	w := newWorld(t)
	first := w.push("a.cue", "package a\n")
	f := newForge(w)
	s := w.open(f.config(t))
	if c := head(t, s); c.ID != first {
		t.Fatalf("head = %s, want %s", c.ID, first)
	}
	c := hints(t, s)
	second := w.push("b/b.cue", "package b\n")
	until(t, c, "the push is polled", second)
	wantFile(t, tree(t, s, second), "b/b.cue", "package b\n")
	if !descends(t, s, second, first) {
		t.Error("the second commit does not descend from the first")
	}
}

func TestHTTPSForcePushKeepsWhatWasFetched(t *testing.T) {
	w := newWorld(t)
	w.push("a.cue", "package a\n")
	before := w.push("a.cue", "package b\n")
	s := w.open(newForge(w).config(t))
	head(t, s)
	w.git("reset", "-q", "--hard", "HEAD^")
	w.write("a.cue", "package c\n")
	after := w.commit("rewritten")
	w.git("push", "-q", "-f", "origin", "main")
	w.run(w.bare, "reflog", "expire", "--expire=now", "--all")
	w.run(w.bare, "gc", "-q", "--prune=now")
	if c := head(t, s); c.ID != after {
		t.Fatalf("head = %s, want %s", c.ID, after)
	}
	if descends(t, s, after, before) {
		t.Error("rewritten history passes for its continuation")
	}
	wantFile(t, tree(t, s, before), "a.cue", "package b\n")
	w.git("push", "-q", "-f", "origin", before+":main")
	if c := head(t, s); c.ID != before {
		t.Errorf("head = %s after going back to %s", c.ID, before)
	}
}

func TestHTTPSVanishedBranchAndRepository(t *testing.T) {
	w := newWorld(t)
	f := newForge(w)
	c := f.config(t)
	s := w.open(c)
	wantGone(t, s, `cannot read head: branch "main" is not in `+c.URL+`, which has no branches`)
	w.push("a.cue", "package a\n")
	w.run(w.bare, "config", "receive.denyDeleteCurrent", "ignore")
	head(t, s)
	seen := hints(t, s)
	w.git("push", "-q", "origin", "main:dev", ":main")
	until(t, seen, "the branch is gone", "gone")
	wantGone(t, s, `cannot read head: branch "main" is not in `+c.URL+`, which has "dev"`)
	rename(t, w.bare, w.bare+".away")
	wantGone(t, s, `cannot read head: repository `+c.URL+` is not there, or may not be read with these credentials`)
}

func TestHTTPSCredentials(t *testing.T) {
	w := newWorld(t)
	w.push("a.cue", "package a\n")
	f := newForge(w)
	c := f.config(t)
	s := w.open(c)
	f.token = "renewed"
	wantUnreachable(t, s, "authentication required")
	file(t, filepath.Dir(c.Auth.TokenFile), "token", "renewed")
	head(t, s) // the file is read each time
	if err := os.Chmod(c.Auth.TokenFile, 0o644); err != nil {
		t.Fatal(err)
	}
	wantUnreachable(t, s, "can be read by others")
	stranger := c
	stranger.Auth = git.Auth{}
	wantUnreachable(t, w.open(stranger), "certificate")
}

func TestHTTPSUnreachableIsAHintAndEnds(t *testing.T) {
	w := newWorld(t)
	id := w.push("a.cue", "package a\n")
	f := newForge(w)
	s := w.open(f.config(t))
	head(t, s)
	c := hints(t, s)
	f.down.Store(true)
	for !strings.Contains(hint(t, c, "the forge is down"), "unreachable") {
	}
	wantFile(t, tree(t, s, id), "a.cue", "package a\n") // what was fetched needs no forge
	f.down.Store(false)
	until(t, c, "the forge is back", id)
}

func TestSilentForgeEndsInTime(t *testing.T) {
	w := newWorld(t)
	f := newForge(w)
	f.stall = make(chan struct{})
	t.Cleanup(func() { close(f.stall) })
	c := f.config(t)
	c.Intake.Time = 50 * time.Millisecond
	s := w.open(c)
	for range 3 {
		wantUnreachable(t, s, "deadline exceeded")
	}
}

func TestLostOrDamagedMirrorIsFetchedAnew(t *testing.T) {
	w := newWorld(t)
	id := w.push("a.cue", "package a\n")
	c := newForge(w).config(t)
	s := w.open(c)
	head(t, s)
	mirror, err := filepath.Glob(filepath.Join(c.CacheDir, "*.git"))
	if err != nil || len(mirror) != 1 {
		t.Fatalf("mirrors: %v, %v", mirror, err)
	}
	for _, lost := range []string{"", "HEAD", "objects"} {
		if err := os.RemoveAll(filepath.Join(mirror[0], lost)); err != nil {
			t.Fatal(err)
		}
		if c := head(t, s); c.ID != id {
			t.Errorf("head = %s, want %s", c.ID, id)
		}
		wantFile(t, tree(t, s, id), "a.cue", "package a\n")
	}
}

func TestManyAtOnceShareAMirror(t *testing.T) {
	w := newWorld(t)
	id := w.push("a.cue", "package a\n")
	c := newForge(w).config(t)
	errs := make(chan error)
	for range 8 {
		s := w.open(c) // as if in other processes
		go func() {
			got, err := s.Head(t.Context())
			if err == nil && got.ID != id {
				err = errors.New("wrong head " + got.ID)
			}
			errs <- err
		}()
	}
	for range 8 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}

func TestHTTPSOfSHA256IsRefused(t *testing.T) {
	w := newWorld(t, "--object-format=sha256")
	w.push("a.cue", "package a\n")
	_, err := w.open(newForge(w).config(t)).Head(t.Context())
	if !errors.Is(err, sources.ErrUnsupported) {
		t.Errorf("error = %v", err)
	}
}

func TestHTTPSIsNotLedToHTTP(t *testing.T) {
	w := newWorld(t)
	w.push("a.cue", "package a\n")
	f := newForge(w)
	plain := httptest.NewServer(f.Config.Handler)
	t.Cleanup(plain.Close)
	f.Config.Handler = http.RedirectHandler(plain.URL+"/dc.git/info/refs?service=git-upload-pack", http.StatusFound)
	wantUnreachable(t, w.open(f.config(t)), `changes scheme from "https" to "http"`)
}

// Each fetch adds a pack; compacting keeps also what a force push took off the branch.
func TestMirrorIsCompactedAndKeepsRewrittenHistory(t *testing.T) {
	w := newWorld(t)
	first := w.push("a.cue", "package a\n")
	c := newForge(w).config(t)
	s := w.open(c)
	head(t, s)
	rewritten := w.push("b.cue", "package rewritten\n")
	head(t, s)
	w.git("reset", "-q", "--hard", first)
	w.git("push", "-q", "-f", "origin", "main")
	reader := tree(t, s, rewritten)
	most := 0
	for i := range 55 {
		id := w.push("a.cue", fmt.Sprintf("package a%d\n", i))
		if c := head(t, s); c.ID != id {
			t.Fatalf("head = %s, want %s", c.ID, id)
		}
		packs, err := filepath.Glob(filepath.Join(c.CacheDir, "*.git/objects/pack/*.pack"))
		if err != nil {
			t.Fatal(err)
		}
		most = max(most, len(packs))
		if i == 54 && len(packs) > 20 || most > 50 {
			t.Errorf("%d packs after %d fetches", len(packs), i)
		}
	}
	if most < 40 {
		t.Errorf("at most %d packs: the test proves nothing", most)
	}
	for _, f := range []fs.FS{reader, tree(t, s, rewritten)} {
		wantFile(t, f, "b.cue", "package rewritten\n")
	}
	if log, err := s.Log(t.Context(), head(t, s).ID, 100); err != nil || len(log) != 56 {
		t.Errorf("%d commits, %v", len(log), err)
	}
}

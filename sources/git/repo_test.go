package git_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"plumbline/sources"
	"plumbline/sources/git"
	"plumbline/testenv/need"
)

// world is a bare repository and a clone that pushes to it, both made by git.
type world struct {
	t          *testing.T
	bare, work string
	clock      int
}

func newWorld(t *testing.T, init ...string) *world {
	t.Helper()
	need.Program(t, "git")
	dir := t.TempDir()
	w := &world{t: t, bare: filepath.Join(dir, "srv", "dc.git"), work: filepath.Join(dir, "work")}
	w.run(dir, append([]string{"init", "-q", "--bare", "-b", "main"}, append(init, w.bare)...)...)
	w.run(dir, append([]string{"init", "-q", "-b", "main"}, append(init, w.work)...)...)
	w.git("remote", "add", "origin", w.bare)
	return w
}

// git runs in the clone and returns what it printed.
func (w *world) git(args ...string) string { w.t.Helper(); return w.run(w.work, args...) }

func (w *world) run(dir string, args ...string) string {
	w.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	w.clock++
	date := fmt.Sprintf("%d +0000", 1_790_000_000+w.clock)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "GIT_AUTHOR_DATE="+date, "GIT_COMMITTER_DATE="+date,
		"GIT_AUTHOR_NAME=Ann", "GIT_AUTHOR_EMAIL=ann@boston", "GIT_COMMITTER_NAME=Ann", "GIT_COMMITTER_EMAIL=ann@boston")
	out, err := cmd.CombinedOutput()
	if err != nil {
		w.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// write makes a file in the clone.
func (w *world) write(name, content string) {
	w.t.Helper()
	p := filepath.Join(w.work, name)
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(p, []byte(content), 0o644); err != nil {
		w.t.Fatal(err)
	}
}

// commit commits all that was written and returns the ID.
func (w *world) commit(subject string) string {
	w.t.Helper()
	w.git("add", "-A")
	w.git("commit", "-q", "--allow-empty", "-m", subject)
	return w.git("rev-parse", "HEAD")
}

// push commits one file and pushes main.
func (w *world) push(name, content string) string {
	w.t.Helper()
	w.write(name, content)
	id := w.commit("write " + name)
	w.git("push", "-q", "origin", "HEAD:main")
	return id
}

func (w *world) open(c git.Config) *git.Source {
	w.t.Helper()
	if c.URL == "" {
		c.URL = w.bare
	}
	s, err := git.Open(c)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

func head(t *testing.T, s sources.Source) sources.Commit {
	t.Helper()
	c, err := s.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func tree(t *testing.T, s sources.Source, id string) fs.FS {
	t.Helper()
	f, err := s.Tree(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func wantFile(t *testing.T, f fs.FS, name, want string) {
	t.Helper()
	got, err := fs.ReadFile(f, name)
	if err != nil || string(got) != want {
		t.Errorf("%s = %q, %v; want %q", name, got, err, want)
	}
}

// hints watches a source; for each hint, the channel gets the ID of the head at
// that moment, or "gone".
func hints(t *testing.T, s sources.Source) <-chan string {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	c := make(chan string, 100)
	done := make(chan error, 1)
	go func() {
		done <- s.Watch(ctx, func() {
			head, err := s.Head(ctx)
			if errors.Is(err, sources.ErrGone) {
				head.ID = "gone"
			} else if err != nil {
				head.ID = err.Error()
			}
			c <- head.ID
		})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != context.Canceled {
			t.Errorf("Watch returned %v", err)
		}
	})
	hint(t, c, "watching begins")
	return c
}

// within is when a test gives up. What proves an event is the poll interval of an
// hour; how long the event took is logged.
const within = 20 * time.Second

func hint(t *testing.T, c <-chan string, why string) string {
	t.Helper()
	select {
	case id := <-c:
		return id
	case <-time.After(within):
		t.Fatalf("no hint within %v though %s", within, why)
		return ""
	}
}

// until takes hints until one finds the head to be want.
func until(t *testing.T, c <-chan string, what, want string) {
	t.Helper()
	start := time.Now()
	for got := ""; got != want; {
		got = hint(t, c, what)
	}
	t.Logf("%s: %v", what, time.Since(start).Round(time.Millisecond))
}

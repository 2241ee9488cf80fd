package dir_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"plumbline/sources"
	"plumbline/sources/dir"
)

func write(t *testing.T, root, name, content string) {
	t.Helper()
	p := filepath.Join(root, name)
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, c dir.Config) *dir.Source {
	t.Helper()
	s, err := dir.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func head(t *testing.T, s *dir.Source) sources.Commit {
	t.Helper()
	c, err := s.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func tree(t *testing.T, s *dir.Source, id string) fs.FS {
	t.Helper()
	f, err := s.Tree(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func names(t *testing.T, f fs.FS) string {
	t.Helper()
	var list []string
	if err := fs.WalkDir(f, ".", func(p string, d fs.DirEntry, err error) error {
		list = append(list, p)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return strings.Join(list, " ")
}

func TestTakesTopologyFilesOnly(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{"a.cue", "sites/b.cue", "cue.mod/module.cue", "cue.mod/pkg/x/LICENSE", "README.md", "docs/x.txt", ".git/config.cue", ".#a.cue"} {
		write(t, root, name, name)
	}
	s := open(t, dir.Config{Path: root})
	c := head(t, s)
	if !strings.HasPrefix(c.ID, "dir:") || len(c.ID) != 4+64 || c.Time.IsZero() {
		t.Errorf("head = %+v", c)
	}
	f := tree(t, s, c.ID)
	want := ". a.cue cue.mod cue.mod/module.cue cue.mod/pkg cue.mod/pkg/x cue.mod/pkg/x/LICENSE sites sites/b.cue"
	if got := names(t, f); got != want {
		t.Errorf("names = %s\nwant    %s", got, want)
	}
	if err := fstest.TestFS(f, "a.cue", "sites/b.cue"); err != nil {
		t.Error(err)
	}
}

func TestIDIsOfTheContent(t *testing.T) {
	one, two := t.TempDir(), t.TempDir()
	for _, root := range []string{one, two} {
		write(t, root, "a.cue", "a")
		write(t, root, "s/b.cue", "b")
	}
	write(t, two, "notes.txt", "other")
	a, b := head(t, open(t, dir.Config{Path: one})), head(t, open(t, dir.Config{Path: two}))
	if a.ID != b.ID || a.Tree != b.Tree {
		t.Errorf("equal contents: %s and %s", a.ID, b.ID)
	}
	write(t, two, "s/b.cue", "c")
	if c := head(t, open(t, dir.Config{Path: two})); c.ID == a.ID {
		t.Error("another content has the same ID")
	}
}

func TestTreeStaysAndOldOnesAreForgotten(t *testing.T) {
	root := t.TempDir()
	s := open(t, dir.Config{Path: root})
	var ids []string
	for i := range 12 {
		write(t, root, "a.cue", fmt.Sprint("content ", i))
		ids = append(ids, head(t, s).ID)
	}
	for i, id := range ids {
		f, err := s.Tree(t.Context(), id)
		if i < 4 {
			if !errors.Is(err, sources.ErrNoCommit) {
				t.Errorf("snapshot %d: %v", i, err)
			}
			continue
		}
		data, err := fs.ReadFile(f, "a.cue")
		if want := fmt.Sprint("content ", i); err != nil || string(data) != want {
			t.Errorf("snapshot %d = %q, %v", i, data, err)
		}
	}
}

func TestChangedLogAndDescends(t *testing.T) {
	root := t.TempDir()
	write(t, root, "a.cue", "a")
	write(t, root, "s/same.cue", "s")
	s := open(t, dir.Config{Path: root})
	one := head(t, s)
	write(t, root, "a.cue", "b")
	write(t, root, "new/n.cue", "n")
	two := head(t, s)
	got, err := s.Changed(t.Context(), one.ID, two.ID)
	if err != nil || !slices.Equal(got, []string{"a.cue", "new/n.cue"}) {
		t.Errorf("changed = %v, %v", got, err)
	}
	log, err := s.Log(t.Context(), two.ID, 5)
	if err != nil || len(log) != 1 || log[0].ID != two.ID {
		t.Errorf("log = %v, %v", log, err)
	}
	if ok, err := s.Descends(t.Context(), two.ID, "anything"); !ok || err != nil {
		t.Errorf("descends = %v, %v", ok, err)
	}
}

func TestLinks(t *testing.T) {
	root, outside := t.TempDir(), t.TempDir()
	write(t, root, "a.cue", "inside")
	write(t, outside, "secret.cue", "outside")
	link := func(to, name string) {
		t.Helper()
		if err := os.Symlink(to, filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	s := open(t, dir.Config{Path: root})
	link("a.cue", "b.cue")
	if data, err := fs.ReadFile(tree(t, s, head(t, s).ID), "b.cue"); string(data) != "inside" {
		t.Errorf("a link within = %q, %v", data, err)
	}
	if err := os.Mkdir(filepath.Join(root, "real"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, to := range map[string]string{
		"out.cue": filepath.Join(outside, "secret.cue"), "up.cue": "../" + filepath.Base(outside) + "/secret.cue", "outdir": outside, "loop": ".", "dir": "real", "none.cue": "nothing",
	} {
		link(to, name)
		_, err := s.Head(t.Context())
		if !errors.Is(err, sources.ErrIrregular) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s → %s: %v", name, to, err)
		}
		os.Remove(filepath.Join(root, name))
	}
}

func TestWhatCannotBeReadIsSaid(t *testing.T) {
	root := filepath.Join(t.TempDir(), "topology")
	s := open(t, dir.Config{Path: root, Limits: sources.Limits{FileBytes: 10, Entries: 5, Depth: 2}})
	wantErr := func(want error, text string) {
		t.Helper()
		if _, err := s.Head(t.Context()); !errors.Is(err, want) || !strings.Contains(err.Error(), text) {
			t.Errorf("error = %v; want %v, %q", err, want, text)
		}
	}
	wantErr(sources.ErrGone, root)
	write(t, root, "big.cue", strings.Repeat("x", 11))
	wantErr(sources.ErrLimit, "big.cue: 11 bytes, at most 10")
	os.Remove(filepath.Join(root, "big.cue"))
	write(t, root, "1/2/3/a.cue", "x")
	wantErr(sources.ErrLimit, "1/2/3: 3 levels, at most 2")
	os.RemoveAll(filepath.Join(root, "1"))
	for i := range 6 {
		write(t, root, fmt.Sprint(i, ".cue"), "x")
	}
	wantErr(sources.ErrLimit, "6 entries, at most 5")
	os.RemoveAll(root)
	write(t, root, "a.cue", "x")
	if err := syscall.Mkfifo(filepath.Join(root, "pipe.cue"), 0o644); err != nil {
		t.Fatal(err)
	}
	wantErr(sources.ErrIrregular, "pipe.cue")
	os.RemoveAll(root)
	if err := os.WriteFile(root, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	wantErr(sources.ErrUnreachable, "not a directory")
}

// within is when a test gives up; what proves an event is the poll interval of an hour.
const within = 20 * time.Second

func TestWatch(t *testing.T) {
	for name, c := range map[string]dir.Config{
		"by events":  {Interval: time.Hour},
		"by polling": {Interval: 20 * time.Millisecond, NoEvents: true},
	} {
		t.Run(name, func(t *testing.T) {
			c.Path = filepath.Join(t.TempDir(), "topology")
			write(t, c.Path, "a.cue", "a")
			s := open(t, c)
			hints := watch(t, s)
			step := func(what string, do func()) {
				t.Helper()
				for len(hints) > 0 {
					<-hints
				}
				do()
				want := "gone"
				if now, err := s.Head(t.Context()); err == nil {
					want = now.ID
				}
				deadline, start := time.After(within), time.Now()
				for got := ""; got != want; {
					select {
					case got = <-hints:
					case <-deadline:
						t.Fatalf("no hint of %s", what)
					}
				}
				t.Logf("%s: %v", what, time.Since(start).Round(time.Millisecond))
			}
			step("a write", func() { write(t, c.Path, "a.cue", "b") })
			step("a new file in new directories", func() { write(t, c.Path, "x/y/z.cue", "z") })
			step("a write in them", func() { write(t, c.Path, "x/y/z.cue", "zz") })
			step("a rename over a file", func() {
				write(t, c.Path, "a.cue.tmp", "c")
				os.Rename(filepath.Join(c.Path, "a.cue.tmp"), filepath.Join(c.Path, "a.cue"))
			})
			step("moving the directory away", func() { os.Rename(c.Path, c.Path+".away") })
			step("moving it back", func() { os.Rename(c.Path+".away", c.Path) })
			step("a write after that", func() { write(t, c.Path, "x/y/z.cue", "zzz") })
			step("removing a directory", func() { os.RemoveAll(filepath.Join(c.Path, "x")) })
		})
	}
}

// watch sends, for each hint, the ID of the head at that moment or "gone".
func watch(t *testing.T, s *dir.Source) <-chan string {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	hints, done := make(chan string, 100), make(chan error, 1)
	go func() {
		done <- s.Watch(ctx, func() {
			c, err := s.Head(ctx)
			if errors.Is(err, sources.ErrGone) {
				c.ID = "gone"
			}
			hints <- c.ID
		})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != context.Canceled {
			t.Errorf("Watch returned %v", err)
		}
	})
	<-hints
	return hints
}

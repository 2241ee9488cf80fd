package git_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"plumbline/sources"
	"plumbline/sources/git"
)

func TestHeadAndTreeOfBareRepository(t *testing.T) {
	w := newWorld(t)
	id := w.push("boston/vm.cue", "package boston\n")
	s := w.open(git.Config{})
	c := head(t, s)
	if c.ID != id || c.Author != "Ann" || c.Email != "ann@boston" || c.Subject != "write boston/vm.cue" || len(c.Parents) != 0 {
		t.Errorf("head = %+v", c)
	}
	if want := w.git("rev-parse", "HEAD^{tree}"); c.Tree != want {
		t.Errorf("tree = %s, want %s", c.Tree, want)
	}
	f := tree(t, s, id)
	wantFile(t, f, "boston/vm.cue", "package boston\n")
	if err := fstest.TestFS(f, "boston/vm.cue"); err != nil {
		t.Error(err)
	}
}

func TestNonBareRepositoryAndLinkedWorkTree(t *testing.T) {
	w := newWorld(t)
	w.write("a.cue", "package a\n")
	id := w.commit("first")
	linked := filepath.Join(t.TempDir(), "linked")
	w.git("worktree", "add", "-q", "-b", "other", linked)
	for _, url := range []string{w.work, "file://" + w.work, linked} {
		s := w.open(git.Config{URL: url})
		if c := head(t, s); c.ID != id {
			t.Errorf("%s: head = %s, want %s", url, c.ID, id)
		}
		wantFile(t, tree(t, s, id), "a.cue", "package a\n")
	}
}

func TestPathBelowTheRoot(t *testing.T) {
	w := newWorld(t)
	one := w.push("readme", "x")
	two := w.push("sites/boston/a.cue", "package boston\n")
	s := w.open(git.Config{Path: "/sites/boston/"})
	wantFile(t, tree(t, s, two), "a.cue", "package boston\n")
	_, err := s.Tree(t.Context(), one)
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), `path "sites/boston" is not in it`) {
		t.Errorf("error = %v", err)
	}
	got, err := s.Changed(t.Context(), one, two)
	if err != nil || !slices.Equal(got, []string{"a.cue"}) {
		t.Errorf("changed = %v, %v", got, err)
	}
}

func TestThousandFilesPassTestFSAlsoPacked(t *testing.T) {
	w := newWorld(t)
	var want []string
	for i := range 1000 {
		name := fmt.Sprintf("site%d/rack%d/vm%d.cue", i%10, i%7, i)
		w.write(name, fmt.Sprintf("package p%d\n", i))
		want = append(want, name)
	}
	id := w.push("last.cue", "package last\n")
	w.run(w.bare, "gc", "-q", "--prune=now")
	f := tree(t, w.open(git.Config{}), id)
	n := 0
	err := fs.WalkDir(f, ".", func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			n++
		}
		return err
	})
	if err != nil || n != 1001 {
		t.Errorf("%d files, %v", n, err)
	}
	if err := fstest.TestFS(f, want[:50]...); err != nil {
		t.Error(err)
	}
}

// A tree in use outlives a gc that moves its objects to other packs.
func TestTreeInUseOutlivesGC(t *testing.T) {
	w := newWorld(t)
	id := w.push("a/a.cue", "package a\n")
	f := tree(t, w.open(git.Config{}), id)
	if _, err := fs.ReadDir(f, "."); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		w.push("b.cue", fmt.Sprintf("package b%d\n", i))
		w.run(w.bare, "gc", "-q", "--prune=now", "--aggressive")
		w.run(w.bare, "pack-refs", "--all")
		wantFile(t, f, "a/a.cue", "package a\n")
	}
}

func TestHeadAfterPackedRefsAndGC(t *testing.T) {
	w := newWorld(t)
	w.push("a.cue", "package a\n")
	s := w.open(git.Config{})
	for i := range 3 {
		id := w.push("a.cue", fmt.Sprintf("package a%d\n", i))
		w.run(w.bare, "gc", "-q", "--prune=now")
		if _, err := os.Stat(filepath.Join(w.bare, "refs/heads/main")); err == nil {
			t.Fatal("gc left the ref loose: the test proves nothing")
		}
		if c := head(t, s); c.ID != id {
			t.Errorf("head = %s, want %s", c.ID, id)
		}
		wantFile(t, tree(t, s, id), "a.cue", fmt.Sprintf("package a%d\n", i))
	}
}

func TestBorrowedObjects(t *testing.T) {
	w := newWorld(t)
	id := w.push("a.cue", "package a\n")
	borrower := filepath.Join(t.TempDir(), "shared.git")
	w.run(t.TempDir(), "clone", "-q", "--bare", "--shared", w.bare, borrower)
	wantFile(t, tree(t, w.open(git.Config{URL: borrower}), id), "a.cue", "package a\n")
}

func TestVanishedBranchNamesWhatThereIs(t *testing.T) {
	w := newWorld(t)
	w.push("a.cue", "package a\n")
	w.git("push", "-q", "origin", "main:dev", "main:old")
	w.run(w.bare, "symbolic-ref", "HEAD", "refs/heads/dev")
	w.git("push", "-q", "origin", ":main")
	s := w.open(git.Config{})
	wantGone(t, s, `cannot read head: branch "main" is not in `+w.bare+`, which has "dev", "old"`)
	w.git("push", "-q", "origin", "main")
	head(t, s)
}

func TestVanishedRepositoryAndEmptyOnes(t *testing.T) {
	w := newWorld(t)
	wantGone(t, w.open(git.Config{}), `cannot read head: branch "main" is not in `+w.bare+`, which has no branches`)
	empty := t.TempDir()
	wantGone(t, w.open(git.Config{URL: empty}), "cannot read head: repository "+empty+" is not there")
	none := filepath.Join(empty, "none.git")
	wantGone(t, w.open(git.Config{URL: none}), "cannot read head: repository "+none+" is not there")
}

func wantGone(t *testing.T, s *git.Source, text string) {
	t.Helper()
	_, err := s.Head(t.Context())
	var gone *sources.GoneError
	if !errors.Is(err, sources.ErrGone) || !errors.As(err, &gone) || err.Error() != text {
		t.Errorf("error = %v\nwant    %s", err, text)
	}
}

func TestSHA256RepositoryIsRefused(t *testing.T) {
	w := newWorld(t, "--object-format=sha256")
	w.push("a.cue", "package a\n")
	_, err := w.open(git.Config{}).Head(t.Context())
	if !errors.Is(err, sources.ErrUnsupported) || !strings.Contains(err.Error(), w.bare) || !strings.Contains(err.Error(), "only SHA-1 objects") {
		t.Errorf("error = %v", err)
	}
}

func TestDamagedObjectIsNamed(t *testing.T) {
	w := newWorld(t)
	id := w.push("a.cue", "package a\n")
	other := w.git("rev-parse", w.push("a.cue", "package evil\n")+":a.cue")
	blob := w.git("rev-parse", id+":a.cue")
	loose := func(h string) string { return filepath.Join(w.bare, "objects", h[:2], h[2:]) }
	if err := os.Rename(loose(other), loose(blob)); err != nil {
		t.Fatal(err)
	}
	_, err := fs.ReadFile(tree(t, w.open(git.Config{}), id), "a.cue")
	if err == nil || !strings.Contains(err.Error(), "a.cue") || !strings.Contains(err.Error(), "object is damaged") {
		t.Errorf("error = %v", err)
	}
}

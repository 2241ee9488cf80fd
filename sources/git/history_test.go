package git_test

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"plumbline/sources"
	"plumbline/sources/git"
)

func descends(t *testing.T, s *git.Source, id, base string) bool {
	t.Helper()
	ok, err := s.Descends(t.Context(), id, base)
	if err != nil {
		t.Fatal(err)
	}
	return ok
}

func TestDescendsThroughMerges(t *testing.T) {
	w := newWorld(t)
	root := w.push("a.cue", "package a\n")
	w.git("checkout", "-q", "-b", "side")
	w.write("b.cue", "package b\n")
	side := w.commit("side")
	w.git("checkout", "-q", "main")
	main := w.push("a.cue", "package a2\n")
	w.git("merge", "-q", "--no-ff", "-m", "merge", "side")
	w.git("push", "-q", "origin", "main")
	s := w.open(git.Config{})
	merge := head(t, s)
	if !slices.Equal(merge.Parents, []string{main, side}) {
		t.Errorf("parents = %v", merge.Parents)
	}
	for _, base := range []string{root, side, main, merge.ID} {
		if !descends(t, s, merge.ID, base) {
			t.Errorf("merge does not descend from %s", base)
		}
	}
	if descends(t, s, side, main) || descends(t, s, root, merge.ID) {
		t.Error("descends from what is no ancestor")
	}
}

func TestForcePushRewritesHistory(t *testing.T) {
	w := newWorld(t)
	w.push("a.cue", "package a\n")
	before := w.push("a.cue", "package b\n")
	s := w.open(git.Config{})
	w.git("reset", "-q", "--hard", "HEAD^")
	w.write("a.cue", "package c\n")
	after := w.commit("rewritten")
	w.git("push", "-q", "-f", "origin", "main")
	if c := head(t, s); c.ID != after {
		t.Fatalf("head = %s, want %s", c.ID, after)
	}
	if descends(t, s, after, before) {
		t.Error("rewritten history passes for its continuation")
	}
	wantFile(t, tree(t, s, before), "a.cue", "package b\n") // still there, though no branch names it

	w.run(w.bare, "reflog", "expire", "--expire=now", "--all")
	w.run(w.bare, "gc", "-q", "--prune=now")
	if descends(t, s, after, before) {
		t.Error("a base that was pruned passes for an ancestor")
	}
	if _, err := s.Tree(t.Context(), before); !errors.Is(err, sources.ErrNoCommit) {
		t.Errorf("error = %v", err)
	}
}

func TestUnknownIDs(t *testing.T) {
	w := newWorld(t)
	id := w.push("a.cue", "package a\n")
	s := w.open(git.Config{})
	blob := w.git("rev-parse", "HEAD:a.cue")
	for _, bad := range []string{"", "main", "HEAD", id[:12], strings.Repeat("0", 40), blob, "../../etc/passwd", "dir:" + id} {
		if _, err := s.Tree(t.Context(), bad); !errors.Is(err, sources.ErrNoCommit) {
			t.Errorf("Tree(%q): %v", bad, err)
		}
		if _, err := s.Descends(t.Context(), bad, id); !errors.Is(err, sources.ErrNoCommit) {
			t.Errorf("Descends(%q): %v", bad, err)
		}
		if _, err := s.Log(t.Context(), bad, 1); !errors.Is(err, sources.ErrNoCommit) {
			t.Errorf("Log(%q): %v", bad, err)
		}
	}
}

func TestLogIsThatOfGit(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"a", "b", "c", "d"} {
		w.push(name+".cue", "package a\n")
	}
	s := w.open(git.Config{})
	for _, n := range []int{0, 1, 3, 10} {
		log, err := s.Log(t.Context(), head(t, s).ID, n)
		if err != nil {
			t.Fatal(err)
		}
		want := strings.Fields(w.git("log", "--format=%H"))
		if want = want[:min(n, len(want))]; len(log) != len(want) {
			t.Fatalf("%d commits, want %d", len(log), len(want))
		}
		for i := range log {
			if log[i].ID != want[i] {
				t.Errorf("log[%d] = %s, want %s", i, log[i].ID, want[i])
			}
		}
	}
}

func TestShallowCloneSaysThatItCannotTell(t *testing.T) {
	w := newWorld(t)
	first := w.push("a.cue", "package a\n")
	last := w.push("a.cue", "package b\n")
	shallow := filepath.Join(t.TempDir(), "shallow.git")
	w.run(t.TempDir(), "clone", "-q", "--bare", "--depth=1", "file://"+w.bare, shallow)
	s := w.open(git.Config{URL: shallow})
	if _, err := s.Descends(t.Context(), last, first); !errors.Is(err, sources.ErrUnsupported) {
		t.Errorf("error = %v", err)
	}
	if log, err := s.Log(t.Context(), last, 5); err != nil || len(log) != 1 {
		t.Errorf("log = %v, %v", log, err)
	}
}

func TestMessagesCannotSteerATerminal(t *testing.T) {
	w := newWorld(t)
	w.write("a.cue", "package a\n")
	w.git("add", "-A")
	w.git("commit", "-q", "-m", "red \x1b[31m alert\n\nbody")
	w.git("push", "-q", "origin", "main")
	if got, want := head(t, w.open(git.Config{})).Subject, "red \uFFFD[31m alert"; got != want {
		t.Errorf("subject = %q, want %q", got, want)
	}
}

func TestChangedComparesTrees(t *testing.T) {
	w := newWorld(t)
	w.write("keep/a.cue", "a")
	w.write("gone/deep/b.cue", "b")
	w.write("turns", "file")
	one := w.push("edit.cue", "1")
	w.git("rm", "-q", "-r", "gone", "turns")
	w.write("turns/dir.cue", "d")
	w.write("new/x/y.cue", "y")
	two := w.push("edit.cue", "2")
	s := w.open(git.Config{})
	for _, c := range []struct{ from, to, want string }{
		{one, two, "edit.cue gone/deep/b.cue new/x/y.cue turns turns/dir.cue"},
		{two, one, "edit.cue gone/deep/b.cue new/x/y.cue turns turns/dir.cue"},
		{one, one, ""},
		{"", one, "edit.cue gone/deep/b.cue keep/a.cue turns"},
	} {
		got, err := s.Changed(t.Context(), c.from, c.to)
		if err != nil || strings.Join(got, " ") != c.want {
			t.Errorf("Changed = %v, %v; want %s", got, err, c.want)
		}
	}
}

package git_test

import (
	"errors"
	"strings"
	"testing"

	"plumbline/sources"
)

func TestACommitOfARequestIsFetched(t *testing.T) {
	w := newWorld(t)
	w.push("a.cue", "package a\n")
	f := newForge(w)
	s := w.open(f.config(t))
	base := head(t, s)
	w.git("checkout", "-q", "-b", "more")
	w.write("b.cue", "package b\n")
	id := w.commit("more")
	w.git("push", "-q", "origin", "more:refs/pull/7/head")
	if err := s.Fetch(t.Context(), "refs/pull/7/head", id); err != nil {
		t.Fatal(err)
	}
	m, err := s.Merge(t.Context(), base.ID, id)
	if err != nil {
		t.Fatal(err)
	}
	wantFile(t, m.Tree, "b.cue", "package b\n")
	if head(t, s).ID != base.ID {
		t.Error("the branch moved")
	}
	for _, c := range [][2]string{{"refs/pull/8/head", strings.Repeat("1", 40)}, {"refs/pull/7/head", strings.Repeat("1", 40)}} {
		if err := s.Fetch(t.Context(), c[0], c[1]); !errors.Is(err, sources.ErrNoCommit) {
			t.Errorf("%s: %v", c[0], err)
		}
	}
	f.Close()
	if err := s.Fetch(t.Context(), "refs/pull/7/head", id); err != nil {
		t.Errorf("what is here is asked for again: %v", err)
	}
}

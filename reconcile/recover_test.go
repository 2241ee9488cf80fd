package reconcile_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"plumbline/actuators"
	"plumbline/reconcile"
	"plumbline/reconcile/journal"
	"plumbline/reconcile/run"
)

// reopen closes the state, lets something happen to its file, and opens it under a new controller.
func (s *scene) reopen(meanwhile func(path string)) {
	s.Helper()
	path := s.store.Path()
	s.Controller.Close()
	if err := s.store.Close(); err != nil {
		s.Fatal(err)
	}
	meanwhile(path)
	store, err := journal.Open(path, journal.Options{Version: "test"})
	if err != nil {
		s.Fatal(err)
	}
	s.store = store
	s.Cleanup(func() { store.Close() })
	s.wire()
}

func (s *scene) apply(id string) {
	s.Helper()
	p, err := s.Plan(context.Background(), id)
	if err != nil {
		s.Fatal(err)
	}
	if r, err := s.Apply(context.Background(), p, nil); err != nil || r.Verdict != run.Applied {
		s.Fatalf("%+v, %v", r, err)
	}
}

func (s *scene) recover(o reconcile.RecoverOptions) *reconcile.Recovery {
	s.Helper()
	r, err := s.Recover(context.Background(), o)
	if err == nil {
		err = s.Rebuild(r)
	}
	if err != nil {
		s.Fatal(err)
	}
	return r
}

// fates is what a recovery says of pools.
func fates(r *reconcile.Recovery) (text string) {
	for _, item := range r.Items {
		if item.Instance.ID.Kind() == "pool" {
			text += fmt.Sprintf("%s %s\n", item.Instance, item.Fate)
		}
	}
	return strings.TrimSpace(text)
}

func (s *scene) nothingToDo(id string) {
	s.Helper()
	p, err := s.Plan(context.Background(), id)
	if err != nil || len(p.Changes) > 0 || len(p.Refusals) > 0 {
		s.Fatalf("the plan is not empty: %v %+v", err, p)
	}
}

func twoPools(a, b string) string {
	return ground + fmt.Sprintf("pool: a: {host: \"h1\", dir: %q}\npool: b: {host: \"h2\", dir: %q}", a, b)
}

func TestAStateThatWasDeletedIsRebuiltFromMarksAndTheCommitThatTheyName(t *testing.T) {
	s := newScene(t)
	first := s.repo.push("one", twoPools("/a", "/b"))
	s.apply(first)
	second := s.repo.push("two", twoPools("/a2", "/b"))
	s.apply(second)
	s.repo.push("three", twoPools("/a3", "/b3")) // never applied
	s.reopen(func(path string) { os.Remove(path) })
	was := maps.Clone(s.world.pools)
	p, err := s.Plan(context.Background(), second)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Apply(context.Background(), p, nil); !errors.Is(err, reconcile.ErrBehind) {
		t.Errorf("a new state is obeyed: %v", err)
	}
	if !maps.Equal(s.world.pools, was) {
		t.Errorf("something changed: %v", s.world.pools)
	}
	r := s.recover(reconcile.RecoverOptions{})
	if r.Commit != second || r.Explained != 2 || fates(r) != "pool/a@h1 taken back\npool/b@h2 taken back" {
		t.Errorf("commit %.5s explains %d:\n%s", r.Commit, r.Explained, fates(r))
	}
	s.nothingToDo(second)
	s.apply(s.repo.push("four", twoPools("/a4", "/b4")))
}

func TestWhatCouldNotBeSeenIsOursWhenItIsBack(t *testing.T) {
	s := newScene(t)
	id := s.repo.push("one", twoPools("/a", "/b"))
	s.apply(id)
	s.reopen(func(path string) { os.Remove(path) })
	s.world.pull("h2", true)
	r := s.recover(reconcile.RecoverOptions{Commit: id})
	if fates(r) != "pool/a@h1 taken back\npool/b@h2 unknown" || len(r.Unseen) != 1 || r.Unseen[0].Host != "h2" {
		t.Errorf("%s, unseen %v", fates(r), r.Unseen)
	}
	s.world.pull("h2", false)
	s.until("h2 answers", func() bool {
		p, err := s.Plan(context.Background(), id)
		return err == nil && !p.Incomplete()
	})
	s.nothingToDo(id)
	if inv, err := s.store.Inventory(); err != nil || inv[pool("b", "h2")] == nil {
		t.Errorf("it is not in the inventory: %v", err)
	}
}

func TestAPlanThatIsOpenInAnOldCopyIsNotTakenUp(t *testing.T) {
	s := newScene(t)
	first := s.repo.push("one", twoPools("/a", "/b"))
	s.apply(first)
	second := s.repo.push("two", twoPools("/a2", "/b2"))
	s.world.doing, s.world.gate = make(chan string, 9), make(chan struct{})
	ended := make(chan struct{})
	go func() { defer close(ended); s.apply(second) }()
	<-s.world.doing
	copied, err := os.ReadFile(s.store.Path())
	if err != nil {
		t.Fatal(err)
	}
	close(s.world.gate)
	<-ended
	third := s.repo.push("three", twoPools("/a3", "/b3"))
	s.apply(third)
	was := maps.Clone(s.world.pools)

	s.reopen(func(path string) {
		if err := os.WriteFile(path, copied, 0o600); err != nil {
			t.Fatal(err)
		}
	})
	for range 2 { // also when it is started again and again
		if err := s.Controller.Run(context.Background()); !errors.Is(err, reconcile.ErrBehind) {
			t.Fatalf("an old copy runs: %v", err)
		}
		s.reopen(func(string) {})
	}
	if !maps.Equal(s.world.pools, was) {
		t.Errorf("something changed: %v", s.world.pools)
	}
	if r := s.recover(reconcile.RecoverOptions{}); len(r.GivenUp) != 1 || r.Commit != third {
		t.Errorf("%+v", r)
	}
	s.nothingToDo(third)
	if open, err := s.store.OpenPlans(); err != nil || len(open) > 0 {
		t.Errorf("still open: %v, %v", open, err)
	}
}

func TestMarksOfSeveralInstallationsAreAskedFor(t *testing.T) {
	s := newScene(t)
	id := s.repo.push("one", twoPools("/a", "/b"))
	s.apply(id)
	ours := s.store.Installation()
	s.world.set(pool("c", "h1"), "/c", &actuators.Mark{Installation: "0badcafe", ID: "pool/c", Hash: "x"})
	s.reopen(func(path string) { os.Remove(path) })
	_, err := s.Recover(context.Background(), reconcile.RecoverOptions{})
	if err == nil || !strings.Contains(err.Error(), "--installation") || !strings.Contains(err.Error(), ours+" (2)") {
		t.Fatalf("want to be asked, got %v", err)
	}
	if r := s.recover(reconcile.RecoverOptions{Installation: ours}); r.Count(reconcile.Taken) != 5 || s.store.Installation() != ours {
		t.Errorf("%+v", r)
	}
	s.nothingToDo(id)
}

// TestTheNewestStateIsNotGivenUp: what is open in it is to be taken up.
func TestTheNewestStateIsNotGivenUp(t *testing.T) {
	s := newScene(t)
	s.apply(s.repo.push("one", twoPools("/a", "/b")))
	second := s.repo.push("two", twoPools("/a2", "/b2"))
	p, err := s.Plan(context.Background(), second)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.store.Begin(p, p.CreatedAt); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Recover(context.Background(), reconcile.RecoverOptions{}); err == nil || !strings.Contains(err.Error(), "is open in this state") {
		t.Errorf("got %v", err)
	}
	s.reopen(func(path string) {
		if filepath.Base(path) != "journal.db" {
			t.Fatal(path)
		}
	})
	if _, err := s.Resume(context.Background(), nil); err != nil {
		t.Errorf("it is not taken up: %v", err)
	}
}

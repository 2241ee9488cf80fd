package run_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"pgregory.net/rapid"

	"plumbline/actuators"
	"plumbline/reconcile/exec"
	"plumbline/reconcile/journal"
	"plumbline/reconcile/run"
	"plumbline/schema"
)

// TestAnyCrashEndsAllDoneOrAllUndone is the promise that everything else stands on: a process that dies at any boundary (a
// journal write or a verb, before, in the middle and after), also while it resumes, leaves nothing half.
func TestAnyCrashEndsAllDoneOrAllUndone(t *testing.T) {
	path := filepath.Join(memory(t), "state.db")
	rapid.Check(t, func(t *rapid.T) {
		s := drawScene(t)
		s.play(t, path)
		boundaries := s.world.life.at
		for range 8 {
			first := rapid.IntRange(1, boundaries).Draw(t, "first death")
			second := rapid.IntRange(0, 30).Draw(t, "second death")
			third := rapid.IntRange(0, 30).Draw(t, "third death")
			s.play(t, path, first, second, third)
		}
	})
}

// TestEveryBoundaryOfSomePlans dies at every boundary there is, and at every boundary of the resume after it.
func TestEveryBoundaryOfSomePlans(t *testing.T) {
	path := filepath.Join(memory(t), "state.db")
	for seed := range 6 {
		s := rapid.Custom(drawScene).Example(seed)
		s.parallel = 1 // the same boundaries each time
		for first := 1; ; first++ {
			if s.play(t, path, first) == 0 {
				break
			}
			for second := 1; s.play(t, path, first, second) == 2; second++ {
			}
			if t.Failed() {
				t.Fatalf("seed %d, first death at %d", seed, first)
			}
		}
	}
}

// TestDeathInTheMiddleOfMany dies at every boundary of steps that go together, in several lanes of which one fails, and at
// some boundaries of the resume after it.
func TestDeathInTheMiddleOfMany(t *testing.T) {
	path := filepath.Join(memory(t), "state.db")
	for _, faults := range []map[string]string{{}, {"do t1#0": "error half"}, {"do t1#0": "lost"}, {"do t3#0": "error after", "undo t3#0": "once", "do t4#1": "error half"}} {
		s := crowd(faults)
		crowds := 0
		for first := 1; ; first++ {
			died := s.play(t, path, first)
			crowds = max(crowds, s.world.crowds[exec.Do])
			if died == 0 {
				break
			}
			for second := 1 + first%7; s.play(t, path, first, second) == 2; second += 7 {
			}
			if t.Failed() {
				t.Fatalf("%v, first death at %d", faults, first)
			}
		}
		if crowds == 0 {
			t.Errorf("%v: nothing went together", faults)
		}
	}
}

// crowd is three lanes of toys in one container that are done together; in the last one a single step follows.
func crowd(faults map[string]string) *scene {
	s := emptyScene(3)
	for n, lane := range []int{1, 1, 2, 3, 3} {
		i := schema.MakeID("toy", fmt.Sprintf("t%d", n)).On("h1")
		s.addObject(i, &s.plan.Lanes[lane-1], n, n%2 == 0, false)
		s.add(s.complete(actuators.Step{Instance: i, Lane: lane, Op: "bulk", Share: []string{"room"}}, 0))
	}
	last := schema.MakeID("toy", "t4").On("h1")
	s.add(s.complete(actuators.Step{Instance: last, Lane: 3, Op: "set", Needs: []string{"t3#0"}}, 1))
	s.faults, s.parallel = faults, 1
	s.begin()
	return s
}

// TestManyAtOnce plays scenes with several jobs at a time.
func TestManyAtOnce(t *testing.T) {
	path := filepath.Join(memory(t), "state.db")
	rapid.Check(t, func(t *rapid.T) {
		s := drawScene(t)
		os.Remove(path)
		store := s.open(t, path)
		for _, e := range s.prior {
			must(t, store.Change(journal.Update{Put: e}))
		}
		in := s.world.input(store, s.plan, 0)
		in.Parallel, in.PerHost = 8, 4
		res, err := run.Run(context.Background(), in)
		must(t, err)
		s.verify(t, store, res, false)
		if again := s.ended(t, store, res); again.Verdict != res.Verdict {
			t.Errorf("the store has %q, the result was %q", again.Verdict, res.Verdict)
		}
		must(t, store.Close())
	})
}

// play runs the scene in a life that dies at the given boundary, then resumes it in lives that die at further ones, and at
// last in one that does not. It gives how many lives died.
func (s *scene) play(t fataler, path string, dies ...int) (deaths int) {
	s.begin()
	os.Remove(path)
	store := s.open(t, path)
	for _, e := range s.prior {
		must(t, store.Change(journal.Update{Put: e}))
	}
	first, rest := 0, []int(nil)
	if len(dies) > 0 {
		first, rest = dies[0], dies[1:]
	}
	res, err := run.Run(context.Background(), s.input(store, first))
	if !s.world.life.dead {
		must(t, err)
	}
	for _, end := range append(rest, 0) {
		if !s.world.life.dead {
			break
		}
		deaths++
		must(t, store.Close())
		store = s.open(t, path)
		results, err := run.Resume(context.Background(), s.input(store, end))
		if !s.world.life.dead {
			must(t, err)
			if len(results) > 0 {
				res = results[0]
			}
		}
	}
	res = s.ended(t, store, res)
	s.verify(t, store, res, deaths > 0)
	must(t, store.Close())
	return deaths
}

func (s *scene) input(store *journal.Store, dies int) run.Input {
	in := s.world.input(store, s.plan, dies)
	in.Parallel, in.HostsAtOnce, s.world.hosts = s.parallel, s.hosts, s.hosts
	return in
}

// ended reads what the store says when the process died between the last record and the result.
func (s *scene) ended(t fataler, store *journal.Store, res run.Result) run.Result {
	open, err := store.OpenPlans()
	must(t, err)
	if len(open) > 0 {
		t.Fatalf("the plan is still open")
	}
	past, err := store.History(1)
	must(t, err)
	if len(past) == 0 {
		return run.Result{Verdict: run.NotRun}
	}
	must(t, json.Unmarshal(past[0].Result, &res))
	return res
}

type fataler interface {
	Fatalf(format string, args ...any)
	Errorf(format string, args ...any)
}

func must(t fataler, err error) {
	if err != nil {
		t.Fatalf("%v", err)
	}
}

func (s *scene) open(t fataler, path string) *journal.Store {
	store, err := journal.Open(path, journal.Options{Version: "test"})
	must(t, err)
	return store
}

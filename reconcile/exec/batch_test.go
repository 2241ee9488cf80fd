package exec_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"plumbline/actuators"
	"plumbline/reconcile/exec"
	"plumbline/schema"
)

// shared is the op of pair that wants a confirmation and does one at a time: many of it wait for one.
var shared = actuators.Op[pairParams, pairBefore, pairState]{
	Name: "share", Version: 1, Reversal: actuators.Exact, Timeout: 20 * time.Second, Confirm: time.Hour,
	Capture: capturePair, Do: doPair, Undo: undoPair,
	Predict: func(pairParams, *pairState) *pairState { return nil },
}

// batch is three pairs that were captured to be changed under one confirmation.
func (w *world) batch(e exec.Executor, confirm time.Duration, change func(n int, p *pairParams)) (calls []exec.Call) {
	w.Helper()
	for n, name := range []string{"a", "b", "c"} {
		p := pairParams{Path: w.path(name), A: "new1", B: "new2"}
		w.must(os.WriteFile(p.Path, []byte("old "+name), 0o600))
		if change != nil {
			change(n, &p)
		}
		calls = append(calls, exec.Call{
			Plan: "plan1", Step: "pair/" + name + "@jino0#1", Epoch: 1, Kind: "pair", Op: "share", Version: 1, Confirm: confirm,
			Instance: schema.MakeID("pair", name).On("jino0"), Params: encode(w, p),
		})
	}
	w.many(e, exec.Capture, calls)
	return calls
}

func (w *world) path(name string) string { return filepath.Join(filepath.Dir(w.pair), name+".pair") }

// pairs is what became of the pairs of a batch: "new" or "old", or the text.
func (w *world) pairs() string {
	var words []string
	for _, name := range []string{"a", "b", "c"} {
		data, _ := os.ReadFile(w.path(name))
		word := string(data)
		switch word {
		case "new1\nnew2\n":
			word = "new"
		case "old " + name:
			word = "old"
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

func (w *world) pairsBecome(want string) {
	w.Helper()
	w.eventually("the pairs are "+want, func() bool { return w.pairs() == want })
}

// gone waits until no watcher runs and no record waits.
func (w *world) gone() {
	w.Helper()
	w.eventually("nothing waits any more", func() bool { return len(w.watchers()) == 0 && !strings.Contains(w.records(), ".json") })
}

func batchConfirmedTest(w *world, open func() exec.Executor) {
	e := open()
	calls := w.batch(e, time.Hour, nil)
	w.many(e, exec.Do, calls)
	if len(w.watchers()) != 1 || strings.Contains(w.records(), " ") {
		w.Fatalf("watchers %v, records %q: want one of each", w.watchers(), w.records())
	}
	hello, err := open().Hello(w.ctx())
	w.must(err)
	if slices.Sort(hello.Waiting); strings.Join(hello.Waiting, " ") != "pair/a@jino0#1 pair/b@jino0#1 pair/c@jino0#1" {
		w.Fatalf("hello: %+v", hello)
	}
	w.many(open(), exec.Confirm, calls)
	w.gone()
	w.many(open(), exec.Confirm, calls) // the answer may have been lost
	if w.pairs() != "new new new" || w.records() != "" {
		w.Fatalf("pairs %q, records %q", w.pairs(), w.records())
	}
}

func batchUnconfirmedTest(w *world, open func() exec.Executor) {
	e := open()
	calls := w.batch(e, time.Second, nil)
	w.many(e, exec.Do, calls)
	w.pairsBecome("old old old")
	w.gone()
	again := open()
	hello, err := again.Hello(w.ctx())
	w.must(err)
	if len(hello.Reverted) != 3 || len(hello.Waiting) != 0 {
		w.Fatalf("hello: %+v", hello)
	}
	w.many(again, exec.Confirm, calls, exec.ErrReverted, exec.ErrReverted, exec.ErrReverted)
	w.many(again, exec.Undo, calls) // the controller's way back ends the story
	if w.records() != "" {
		w.Fatalf("records left: %s", w.records())
	}
}

// batchCulpritTest: one that fails is no reason for the others to go back, and is undone alone.
func batchCulpritTest(w *world, open func() exec.Executor) {
	e := open()
	calls := w.batch(e, 3*time.Second, func(n int, p *pairParams) {
		if n == 1 {
			p.Secret = "nowhere" // fails when half of it is done
		}
	})
	answers, err := e.Many(w.ctx(), exec.Do, calls)
	w.must(err)
	w.must(answers[0].Err)
	w.fails(answers[1].Err)
	w.must(answers[2].Err)
	w.many(open(), exec.Confirm, []exec.Call{calls[0], calls[2]})
	if w.pairs() != "new new1\n new" || !strings.HasSuffix(w.records(), ".json") {
		w.Fatalf("pairs %q, records %q", w.pairs(), w.records())
	}
	w.pairsBecome("new old new")
	w.gone()
}

func batchUndoneTest(w *world, open func() exec.Executor) {
	e := open()
	calls := w.batch(e, time.Hour, nil)
	w.many(e, exec.Do, calls)
	w.must(e.Undo(w.ctx(), calls[1]))
	if w.pairs() != "new old new" || len(w.watchers()) != 1 {
		w.Fatalf("pairs %q, watchers %v", w.pairs(), w.watchers())
	}
	w.many(e, exec.Do, calls[1:2]) // tried again, under a record of its own
	w.many(open(), exec.Confirm, calls)
	w.gone()
	if w.pairs() != "new new new" {
		w.Fatalf("pairs %q", w.pairs())
	}
}

// batchAgainTest: a step that is done again waits in one record only, and another plan waits for it.
func batchAgainTest(w *world, open func() exec.Executor) {
	e := open()
	calls := w.batch(e, time.Hour, nil)
	w.many(e, exec.Do, calls)
	w.many(e, exec.Do, calls[1:])
	hello, err := open().Hello(w.ctx())
	w.must(err)
	if len(hello.Waiting) != 3 || len(strings.Fields(w.records())) != 2 {
		w.Fatalf("waiting %v in %s", hello.Waiting, w.records())
	}
	others := slices.Clone(calls)
	for n := range others[:2] {
		others[n].Plan = "plan2"
	}
	w.many(e, exec.Do, others, actuators.ErrTransient, actuators.ErrTransient)
	w.many(open(), exec.Confirm, calls)
	w.gone()
}

func TestAStuckMemberOfABatchIsToldApart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.dial()
	calls := w.batch(e, 3*time.Second, nil)
	w.many(e, exec.Do, calls)
	w.must(os.WriteFile(w.path("b"), []byte("somebody else"), 0o600))
	w.pairsBecome("old somebody else old")
	w.gone()
	w.many(w.dial(), exec.Confirm, calls, exec.ErrReverted, actuators.ErrStuck, exec.ErrReverted)
}

func TestABatchIsUndoneAfterTheExecutorIsKilled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.dial()
	calls := w.batch(e, 3*time.Second, func(n int, p *pairParams) {
		if n == 2 {
			p.Sleep = uniqueSleep(w)
		}
	})
	did := make(chan error, 1)
	go func() {
		_, err := e.Many(w.ctx(), exec.Do, calls)
		did <- err
	}()
	w.pairsBecome("new new new1\n")
	w.kill(w.server(), unix.SIGKILL)
	w.fails(<-did, exec.ErrUnknown, exec.ErrUnreachable)
	w.pairsBecome("old old old")
	w.gone()
	w.many(w.dial(), exec.Confirm, calls, exec.ErrReverted, exec.ErrReverted, exec.ErrReverted)
}

func TestARebootUndoesWhatOfABatchWasNotConfirmed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.dial()
	calls := w.batch(e, time.Hour, nil)
	w.many(e, exec.Do, calls)
	w.many(w.dial(), exec.Confirm, calls[:1])
	w.must(e.Close())
	w.killWatcher()
	w.edit(w.records(), `"boot":"`, `"boot":"another-`)
	w.must(w.recover())
	if w.pairs() != "new old old" { // what was confirmed stays
		t.Fatalf("pairs %q", w.pairs())
	}
	w.many(w.dial(), exec.Confirm, calls, nil, exec.ErrReverted, exec.ErrReverted)
}

func TestARecordThatNamesNoStepIsNoLeave(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.local()
	dir := filepath.Join(w.self.Dirs.State, "confirm")
	w.must(os.MkdirAll(dir, 0o700))
	w.must(os.WriteFile(filepath.Join(dir, "x.json"), []byte(`{"call":{"step":"x"}}`), 0o600))
	_, err := e.Hello(w.ctx())
	w.fails(err)
	if !strings.Contains(err.Error(), "x.json: it names no step") {
		t.Error(err)
	}
}

// BenchmarkConfirmedBatch does and confirms steps under one record and, for comparison, each under its own.
func BenchmarkConfirmedBatch(b *testing.B) {
	for _, together := range []bool{true, false} {
		b.Run(fmt.Sprintf("together=%t", together), func(b *testing.B) {
			dir := b.TempDir()
			host := exec.NewMachine("jino0", exec.Dirs{State: dir})
			e := exec.Local(registry, host, exec.Options{})
			var calls []exec.Call
			for n := range 100 {
				path := filepath.Join(dir, fmt.Sprint(n))
				params, _ := json.Marshal(pairParams{Path: path, A: "x", B: "y"})
				calls = append(calls, exec.Call{
					Step: path, Epoch: 1, Kind: "pair", Op: "share", Version: 1, Params: params, Instance: schema.MakeID("pair", fmt.Sprint(n)).On("jino0"),
				})
			}
			for b.Loop() {
				run := func(calls []exec.Call) {
					for _, verb := range []exec.Verb{exec.Do, exec.Confirm} {
						answers, err := e.Many(b.Context(), verb, calls)
						if err != nil || answers[0].Err != nil {
							b.Fatal(err, answers[0].Err)
						}
					}
				}
				if together {
					run(calls)
					continue
				}
				for n := range calls {
					run(calls[n : n+1])
				}
			}
		})
	}
}

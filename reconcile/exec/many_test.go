package exec_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"plumbline/actuators"
	"plumbline/reconcile/exec"
	"plumbline/schema"
)

// tally is the op of pair that does many at once: it adds a line to a file for each call, with the number of its company.
var tally = actuators.Op[pairParams, pairBefore, pairState]{
	Name: "tally", Version: 1, Reversal: actuators.Exact, Timeout: 20 * time.Second,
	Predict: func(pairParams, *pairState) *pairState { return nil },
	Many: &actuators.Many[pairParams, pairBefore]{
		Capture: func(_ context.Context, _ actuators.Host, all []pairParams) ([]pairBefore, []error) {
			before, errs := make([]pairBefore, len(all)), make([]error, len(all))
			for n, p := range all {
				before[n], errs[n] = pairBefore{Text: p.A}, p.failure()
			}
			return before, errs
		},
		Do:   func(_ context.Context, _ actuators.Host, all []tallied) []error { return write(all, "do") },
		Undo: func(_ context.Context, _ actuators.Host, all []tallied) []error { return write(all, "undo") },
	},
}

type tallied = actuators.Item[pairParams, pairBefore]

func write(all []tallied, verb string) []error {
	errs, words := make([]error, len(all)), []string{verb}
	for n, one := range all {
		if errs[n] = one.Params.failure(); errs[n] == nil {
			words = append(words, one.Before.Text)
		}
	}
	file, err := os.OpenFile(all[0].Params.Path, os.O_APPEND|os.O_WRONLY, 0)
	if err == nil {
		_, err = file.WriteString(strings.Join(words, " ") + "\n")
		file.Close()
	}
	for n := range errs {
		if err != nil {
			errs[n] = err
		}
	}
	return errs
}

func (w *world) tallies(change func(n int, c *exec.Call, p *pairParams)) (calls []exec.Call) {
	for n, name := range []string{"a", "b", "c"} {
		p := pairParams{Path: w.pair, A: name}
		c := exec.Call{Step: name, Epoch: 1, Kind: "pair", Op: "tally", Version: 1, Instance: schema.MakeID("pair", name).On("jino0")}
		if change != nil {
			change(n, &c, &p)
		}
		c.Params = encode(w, p)
		calls = append(calls, c)
	}
	return calls
}

// many runs a verb and demands the error of each call.
func (w *world) many(e exec.Executor, verb exec.Verb, calls []exec.Call, want ...error) {
	w.Helper()
	answers, err := e.Many(w.ctx(), verb, calls)
	w.must(err)
	for n := range calls {
		if n < len(want) && want[n] != nil {
			w.fails(answers[n].Err, want[n])
			continue
		}
		w.must(answers[n].Err)
		if verb == exec.Capture {
			calls[n].Before = answers[n].Before
		}
	}
}

func manyTest(w *world, open func() exec.Executor) {
	e := open()
	w.write("")
	calls := w.tallies(nil)
	for _, verb := range []exec.Verb{exec.Preflight, exec.Capture, exec.Do, exec.Do, exec.Undo} {
		w.many(e, verb, calls)
	}
	w.is("do a b c\ndo a b c\nundo a b c\n")
}

func manyCulpritTest(w *world, open func() exec.Executor) {
	e := open()
	w.write("")
	calls := w.tallies(func(n int, c *exec.Call, p *pairParams) {
		switch n {
		case 1:
			p.Fail = "foreign"
		case 2:
			c.Version = 2
		}
	})
	calls[0].Before = encode(w, pairBefore{Text: "a"})
	answers, err := e.Many(w.ctx(), exec.Do, calls)
	w.must(err)
	w.must(answers[0].Err)
	w.fails(answers[1].Err, actuators.ErrForeign)
	w.fails(answers[2].Err)
	w.is("do a\n")
}

// manyAloneTest: ops that do one at a time are no company; they are done all the same.
func manyAloneTest(w *world, open func() exec.Executor) {
	e := open()
	var calls []exec.Call
	for _, name := range []string{"p", "q"} {
		c := w.set(func(p *pairParams) { p.Path = filepath.Join(filepath.Dir(w.pair), name+"1") })
		c.Step, c.Instance = name, schema.MakeID("pair", name).On("jino0")
		calls = append(calls, c)
	}
	for _, verb := range []exec.Verb{exec.Preflight, exec.Capture, exec.Do} {
		w.many(e, verb, calls)
	}
	for _, name := range []string{"p1", "q1"} {
		if data, _ := os.ReadFile(filepath.Join(filepath.Dir(w.pair), name)); string(data) != "new1\nnew2\n" {
			w.Errorf("%s is %q", name, data)
		}
	}
}

func manyEpochTest(w *world, open func() exec.Executor) {
	older, newer := open(), open()
	w.write("")
	w.many(newer, exec.Do, w.tallies(func(_ int, c *exec.Call, _ *pairParams) { c.Epoch = 7 }))
	w.many(older, exec.Do, w.tallies(nil), exec.ErrFenced, exec.ErrFenced, exec.ErrFenced)
	w.is("do   \n")
}

// manyBesideTest: many wait for each instance on which something else still runs.
func manyBesideTest(w *world, open func() exec.Executor) {
	gate := filepath.Join(filepath.Dir(w.pair), "gate")
	w.must(os.WriteFile(gate, nil, 0o600))
	doing, other := open(), open()
	c := w.captured(doing, w.set(func(p *pairParams) { p.Deaf = gate }))
	c.Instance = schema.ID("pair/b").On("jino0")
	did := make(chan error, 1)
	go func() { did <- doing.Do(w.ctx(), c) }()
	w.becomes("new1\n")
	soon := w.tallies(func(_ int, c *exec.Call, _ *pairParams) { c.Timeout = 200 * time.Millisecond })
	w.many(other, exec.Undo, soon, actuators.ErrTransient, actuators.ErrTransient, actuators.ErrTransient)
	w.is("new1\n")
	w.must(os.Remove(gate))
	w.must(<-did)
	w.many(other, exec.Undo, w.tallies(nil))
	w.is("new1\nnew2\nundo   \n")
}

func TestReadOnlyChangesNothingOfMany(t *testing.T) {
	w := newWorld(t)
	self := w.self
	self.ReadOnly = true
	e := w.dialAs(self)
	for _, verb := range []exec.Verb{exec.Preflight, exec.Do, exec.Undo} {
		w.many(e, verb, w.tallies(nil), exec.ErrReadOnly, exec.ErrReadOnly, exec.ErrReadOnly)
	}
	w.is("old\nold\n")
}

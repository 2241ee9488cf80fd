package run_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"plumbline/actuators"
	"plumbline/reconcile/exec"
	"plumbline/reconcile/journal"
	"plumbline/reconcile/plan"
	"plumbline/reconcile/run"
	"plumbline/schema"
)

// world is a small datacenter of toys. Every change of a toy is two writes, so that a verb can end in the middle.
type world struct {
	mu      sync.Mutex
	toys    map[schema.Instance]config
	faults  map[string]string // "do STEP" → what goes wrong, each once but "always"
	steps   map[string]actuators.Step
	hosts   int               // that may be changed at the same time; 0 = any
	alone   map[string]bool   // steps beside which nothing may run
	doing   map[string]int    // Dos under way by host
	busy    map[string]string // container or instance → who is in it
	company string            // who enters now, if many do together
	clock   time.Time
	wrong   []string          // broken promises
	begun   map[string]bool   // acknowledged records
	crowds  map[exec.Verb]int // calls of Many
	trace   []string
	life    *life
	aside   map[schema.Instance]config              // retired toys; nil = drop destroys
	hook    func(ctx context.Context, fault string) // of scenarios: what else a fault does
}

// life is one process of the controller: dead is what kill -9 leaves.
type life struct {
	at, end int // boundaries passed; the one at which it dies (0 = never)
	dead    bool
}

var errDead = errors.New("the process is dead")

type config struct {
	A    int `json:"a,omitempty"`
	B    int `json:"b,omitempty"`
	Size int `json:"size,omitempty"`
}

type state struct {
	Config config   `json:"config"`
	Status struct{} `json:"status"`
}

type params struct {
	A, B, Size int
	ID         schema.ID
	Host, Step string
}

func newWorld() *world {
	return &world{
		toys: map[schema.Instance]config{}, faults: map[string]string{}, steps: map[string]actuators.Step{}, life: &life{},
		busy: map[string]string{}, begun: map[string]bool{}, crowds: map[exec.Verb]int{}, doing: map[string]int{}, alone: map[string]bool{}, clock: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
	}
}

// boundary is an instant at which the process may die.
func (w *world) boundary() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.life.at++
	if w.life.at == w.life.end {
		w.life.dead = true
	}
	if w.life.dead {
		return errDead
	}
	return nil
}

func (w *world) promise(kept bool, format string, args ...any) {
	if !kept {
		w.wrong = append(w.wrong, fmt.Sprintf(format, args...))
	}
}

// fault takes a fault that was set for a verb of a step.
func (w *world) fault(verb, step string) string {
	key := verb + " " + step
	fault := w.faults[key]
	if !strings.Contains(fault, "always") {
		delete(w.faults, key)
	}
	return fault
}

// enter is the start of a verb that writes: nobody else may be in its containers or at its instance.
func (w *world) enter(verb string, c exec.Call) func() {
	defer runtime.Gosched() // let others in, if the runner does
	w.mu.Lock()
	defer w.mu.Unlock()
	w.promise(w.begun[c.Step], "%s %s before its begun record was acknowledged", verb, c.Step)
	host := w.steps[c.Step].Host
	if verb == string(exec.Do) {
		w.doing[host]++
		w.promise(len(w.busy) == 0 || !w.alone[c.Step], "%s beside %v", c.Step, w.busy)
		for _, beside := range w.busy {
			w.promise(!w.alone[beside], "%s beside %s", c.Step, beside)
		}
		w.promise(w.hosts == 0 || len(w.doing) <= w.hosts, "%s on %d hosts at once: %v", c.Step, len(w.doing), w.doing)
	}
	rooms := append(slices.Clone(w.steps[c.Step].Share), c.Instance.String())
	company := cmp.Or(w.company, c.Step)
	for _, room := range rooms {
		w.promise(w.busy[room] == "" || w.busy[room] == company, "%s %s beside %s in %s", verb, c.Step, w.busy[room], room)
		w.busy[room] = company
	}
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, room := range rooms {
			delete(w.busy, room)
		}
		if verb == string(exec.Do) {
			if w.doing[host]--; w.doing[host] == 0 {
				delete(w.doing, host)
			}
		}
	}
}

// write is half a change. It happens only while the process lives.
func (w *world) write(i schema.Instance, change func(c config, there bool) (config, bool)) error {
	if err := w.boundary(); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	old, was := w.toys[i]
	if toy, there := change(old, was); there {
		w.toys[i] = toy
	} else {
		delete(w.toys, i)
	}
	return nil
}

func (p params) place() schema.Instance { return p.ID.On(p.Host) }

// kind is the toys as a kind. make, set and drop are exact, grow is kept.
func (w *world) kind() *actuators.Registry {
	capture := func(_ context.Context, _ actuators.Host, p params) (*config, error) {
		w.mu.Lock()
		defer w.mu.Unlock()
		toy, there := w.toys[p.place()]
		if !there {
			return nil, nil
		}
		return &toy, nil
	}
	return actuators.NewRegistry(actuators.Define(actuators.Def[params, state]{
		Name: "toy", Where: schema.OnHost, Unmarked: true,
		Observe: w.observe,
		Diff:    func(*params, actuators.Have[state]) actuators.Diff { return actuators.Diff{} },
		Steps: func(actuators.Subject, actuators.Diff, *params, actuators.Have[state]) ([]actuators.Step, error) {
			return nil, nil
		},
		Ops: []actuators.AnyOp{
			actuators.Op[params, *config, state]{Name: "make", Reversal: actuators.Exact, Capture: capture, Do: w.set, Undo: w.unset, Predict: predictSet},
			actuators.Op[params, *config, state]{Name: "set", Reversal: actuators.Exact, Capture: capture, Do: w.set, Undo: w.unset, Predict: predictSet},
			actuators.Op[params, *config, state]{Name: "wait", Reversal: actuators.Exact, Capture: capture, Do: nothing, Undo: nothing, Predict: func(_ params, have *state) *state { return have }},
			actuators.Op[params, *config, state]{Name: "bulk", Reversal: actuators.Exact, Predict: predictSet, Many: w.many(capture)},
			actuators.Op[params, *config, state]{Name: "drop", Reversal: actuators.Exact, Capture: capture, Do: w.drop, Undo: w.undrop, Predict: func(params, *state) *state { return nil }},
			actuators.Op[params, *config, state]{Name: "grow", Reversal: actuators.Kept, Capture: capture, Do: w.grow, Predict: func(p params, have *state) *state {
				next := *have
				next.Config.Size = p.Size
				return &next
			}},
		},
	}))
}

func predictSet(p params, have *state) *state {
	next := state{}
	if have != nil {
		next = *have
	}
	next.Config.A, next.Config.B = p.A, p.B
	return &next
}

func (w *world) observe(_ context.Context, h actuators.Host, sc actuators.Scope) ([]actuators.Live[state], error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var found []actuators.Live[state]
	for _, target := range sc.Targets {
		if toy, there := w.toys[target.ID.On(h.Name())]; there {
			found = append(found, actuators.Live[state]{ID: target.ID, State: state{Config: toy}})
		}
		if toy, there := w.aside[target.ID.On(h.Name())]; there {
			found = append(found, actuators.Live[state]{ID: target.ID, State: state{Config: toy}, Retired: true})
		}
	}
	return found, nil
}

func (w *world) set(_ context.Context, _ actuators.Host, p params, _ *config) error {
	err := w.write(p.place(), func(c config, _ bool) (config, bool) { c.A = p.A; return c, true })
	if err != nil || w.half(p) {
		return err
	}
	return w.write(p.place(), func(c config, _ bool) (config, bool) { c.B = p.B; return c, true })
}

// unset takes back half by half what set wrote, and nothing that somebody else wrote.
func (w *world) unset(_ context.Context, _ actuators.Host, p params, before *config) error {
	var was config
	if before != nil {
		was = *before
	}
	var foreign error
	err := w.write(p.place(), func(c config, there bool) (config, bool) {
		if there && ((c.B != was.B && c.B != p.B) || (c.A != was.A && c.A != p.A)) {
			foreign = actuators.Stuck(string(p.ID), c, was)
			return c, there
		}
		c.B = was.B
		return c, there
	})
	if err = errors.Join(err, foreign); err != nil {
		return err
	}
	return w.write(p.place(), func(c config, there bool) (config, bool) {
		c.A = was.A
		return c, there && before != nil
	})
}

func (w *world) drop(_ context.Context, _ actuators.Host, p params, _ *config) error {
	err := w.write(p.place(), func(c config, there bool) (config, bool) { c.B = 0; return c, there })
	if err != nil || w.half(p) {
		return err
	}
	return w.write(p.place(), func(c config, _ bool) (config, bool) {
		if w.aside != nil {
			w.aside[p.place()] = c
		}
		return config{}, false
	})
}

func (w *world) undrop(_ context.Context, _ actuators.Host, p params, before *config) error {
	var foreign error
	err := w.write(p.place(), func(c config, there bool) (config, bool) {
		if there && c.A != before.A {
			foreign = actuators.Stuck(string(p.ID), c, *before)
			return c, there
		}
		return config{A: before.A, Size: before.Size}, true
	})
	if err = errors.Join(err, foreign); err != nil {
		return err
	}
	return w.write(p.place(), func(c config, _ bool) (config, bool) { c.B = before.B; return c, true })
}

func (w *world) grow(_ context.Context, _ actuators.Host, p params, _ *config) error {
	return w.write(p.place(), func(c config, _ bool) (config, bool) { c.Size = p.Size; return c, true })
}

// half tells whether a fault ends the verb in the middle.
func (w *world) half(p params) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Contains(w.faults["do "+p.Step], "half")
}

// diary is the journal with a boundary before and after every write.
type diary struct {
	*journal.Store
	w *world
}

func (d diary) Append(records ...journal.Record) error {
	if err := d.w.boundary(); err != nil {
		return err
	}
	if err := d.Store.Append(records...); err != nil {
		return err
	}
	d.w.mu.Lock()
	for _, r := range records {
		if r.Step != "" {
			d.w.begun[r.Step] = true
			d.w.note(string(r.State), r.Step)
		}
	}
	d.w.mu.Unlock()
	return d.w.boundary()
}

func (d diary) Begin(p *plan.Plan, at time.Time) error {
	if err := d.w.boundary(); err != nil {
		return err
	}
	if err := d.Store.Begin(p, at); err != nil {
		return err
	}
	return d.w.boundary()
}

func (d diary) End(id string, e journal.Ending) error {
	if err := d.w.boundary(); err != nil {
		return err
	}
	if err := d.Store.End(id, e); err != nil {
		return err
	}
	return d.w.boundary()
}

// input is a run of this world by a process that dies at a boundary (0 = never).
func (w *world) input(s *journal.Store, p *plan.Plan, dies int) run.Input {
	w.life = &life{end: dies}
	w.busy = map[string]string{}
	return run.Input{
		Plan: p, Store: diary{s, w}, Hosts: w, Kinds: w.kind(), Parallel: 1,
		Now: func() time.Time { w.mu.Lock(); defer w.mu.Unlock(); return w.clock },
		Sleep: func(ctx context.Context, d time.Duration) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.clock = w.clock.Add(d)
			return ctx.Err()
		},
	}
}

// nothing is the Do and Undo of an op that only waits.
func nothing(context.Context, actuators.Host, params, *config) error { return nil }

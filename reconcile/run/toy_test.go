package run_test

import (
	"context"
	"encoding/json"
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
	mu     sync.Mutex
	toys   map[schema.Instance]config
	faults map[string]string // "do STEP" → what goes wrong, each once but "always"
	steps  map[string]actuators.Step
	busy   map[string]string // container or instance → who is in it
	clock  time.Time
	wrong  []string        // broken promises
	begun  map[string]bool // acknowledged records
	trace  []string
	life   *life
	hook   func(ctx context.Context, fault string) // of scenarios: what else a fault does
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
		busy: map[string]string{}, begun: map[string]bool{}, clock: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
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
	rooms := append(slices.Clone(w.steps[c.Step].Share), c.Instance.String())
	for _, room := range rooms {
		w.promise(w.busy[room] == "", "%s %s beside %s in %s", verb, c.Step, w.busy[room], room)
		w.busy[room] = c.Step
	}
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, room := range rooms {
			delete(w.busy, room)
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
	return w.write(p.place(), func(config, bool) (config, bool) { return config{}, false })
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

// Get, Fresh and Drop hand out the toy hosts.
func (w *world) Get(_ context.Context, host string) (exec.Executor, error) {
	return &toyHost{w: w, kinds: w.kind(), name: host, life: w.life}, nil
}

func (w *world) Fresh(ctx context.Context, host string) (exec.Executor, error) {
	return w.Get(ctx, host)
}
func (w *world) Drop(string) {}

// toyHost is a connection to a host; it dies with the process that opened it.
type toyHost struct {
	exec.Executor
	w     *world
	kinds *actuators.Registry
	name  string
	life  *life
}

type named struct {
	actuators.Host
	name string
}

func (n named) Name() string { return n.name }

func (h *toyHost) machine() actuators.Host { return named{name: h.name} }

func (h *toyHost) op(c exec.Call) *actuators.ErasedOp {
	k, _ := h.kinds.Kind(c.Kind)
	op, _ := k.Op(c.Op)
	return op
}

func (h *toyHost) Observe(ctx context.Context, kind string, sc actuators.Scope) ([]actuators.Observed, error) {
	if err := h.w.boundary(); err != nil {
		return nil, err
	}
	k, _ := h.kinds.Kind(kind)
	return k.Observe(ctx, h.machine(), sc)
}

func (h *toyHost) simple(verb string, c exec.Call) error {
	if err := h.w.boundary(); err != nil {
		return err
	}
	h.w.mu.Lock()
	defer h.w.mu.Unlock()
	h.w.note(verb, c.Step)
	switch h.w.fault(verb, c.Step) {
	case "error":
		return fmt.Errorf("the %s is refused", verb)
	case "transient":
		return fmt.Errorf("%w: not now", actuators.ErrTransient)
	}
	return nil
}

func (h *toyHost) Preflight(_ context.Context, c exec.Call) error { return h.simple("preflight", c) }

func (h *toyHost) Confirm(_ context.Context, step string) error {
	return h.simple("confirm", exec.Call{Step: step})
}

func (h *toyHost) Close() error { return nil }

func (h *toyHost) Capture(ctx context.Context, c exec.Call) (json.RawMessage, error) {
	if err := h.simple("capture", c); err != nil {
		return nil, err
	}
	h.w.mu.Lock()
	h.w.promise(!h.w.begun[c.Step], "%s was captured again after it was begun", c.Step)
	h.w.mu.Unlock()
	return h.op(c).Capture(ctx, h.machine(), c.Params)
}

// Do knows the faults: error and unknown, each "before", in the "half" and "after", "transient", "never" (says yes, does
// nothing), "foreign" (somebody else writes into the toy, then it fails) and "fenced".
func (h *toyHost) Do(ctx context.Context, c exec.Call) error {
	if err := h.w.boundary(); err != nil {
		return err
	}
	defer h.w.enter("do", c)()
	h.w.mu.Lock()
	h.w.note("do", c.Step)
	fault := h.w.faults["do "+c.Step]
	h.w.mu.Unlock()
	if h.w.hook != nil {
		h.w.hook(ctx, fault)
	}
	var err error
	if fault != "error before" && fault != "never" && fault != "transient" {
		err = h.op(c).Do(ctx, h.machine(), c.Params, c.Before)
	}
	h.w.mu.Lock()
	h.w.fault("do", c.Step)
	h.w.mu.Unlock()
	if err != nil {
		return err
	}
	switch {
	case fault == "fenced":
		return fmt.Errorf("%w: a higher epoch was here", exec.ErrFenced)
	case fault == "foreign":
		_ = h.w.write(c.Instance, func(k config, there bool) (config, bool) { k.A = 999; return k, true })
		return errors.New("somebody else wrote")
	case fault == "transient":
		return fmt.Errorf("%w: not now", actuators.ErrTransient)
	case strings.HasPrefix(fault, "error"):
		return errors.New("the do failed")
	case strings.HasPrefix(fault, "unknown"):
		return fmt.Errorf("%w: cut off", exec.ErrUnknown)
	}
	return h.w.boundary()
}

func (h *toyHost) Undo(ctx context.Context, c exec.Call) error {
	if err := h.w.boundary(); err != nil {
		return err
	}
	defer h.w.enter("undo", c)()
	h.w.mu.Lock()
	h.w.note("undo", c.Step)
	fault := h.w.fault("undo", c.Step)
	h.w.mu.Unlock()
	if h.w.hook != nil {
		h.w.hook(ctx, fault)
	}
	switch fault {
	case "once", "always":
		return errors.New("the undo failed")
	case "fenced":
		return fmt.Errorf("%w: a higher epoch was here", exec.ErrFenced)
	}
	if err := h.op(c).Undo(ctx, h.machine(), c.Params, c.Before); err != nil {
		return err
	}
	return h.w.boundary()
}

// note adds to the trace. The caller holds the lock.
func (w *world) note(verb, step string) { w.trace = append(w.trace, step+":"+verb) }

// diary is the journal with a boundary before and after every write.
type diary struct {
	*journal.Store
	w *world
}

func (d diary) Append(r journal.Record) error {
	if err := d.w.boundary(); err != nil {
		return err
	}
	if err := d.Store.Append(r); err != nil {
		return err
	}
	d.w.mu.Lock()
	if r.Step != "" {
		d.w.begun[r.Step] = true
		d.w.note(string(r.State), r.Step)
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
		Plan: p, Store: diary{s, w}, Hosts: w, Kinds: w.kind(), Epoch: s.Epoch(), Parallel: 1,
		Now: func() time.Time { w.mu.Lock(); defer w.mu.Unlock(); return w.clock },
		Sleep: func(ctx context.Context, d time.Duration) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.clock = w.clock.Add(d)
			return ctx.Err()
		},
	}
}

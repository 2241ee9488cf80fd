package drift_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"plumbline/actuators"
	"plumbline/reconcile/diff"
	"plumbline/reconcile/drift"
	"plumbline/reconcile/exec"
	"plumbline/reconcile/inventory"
	"plumbline/reconcile/notify"
	"plumbline/reconcile/who"
	"plumbline/schema"
)

// rig is a small datacenter under watch: values by instance. It is its hosts' pool and their executors.
type rig struct {
	t       testing.TB
	engine  *drift.Engine
	options drift.Options

	mu      sync.Mutex
	live    map[schema.Instance]string
	silent  map[string]bool          // hosts that fail every look
	hangs   map[string]chan struct{} // hosts that answer when this closes
	slow    time.Duration            // of every look
	inv     inventory.Inventory
	notices []notify.Notice
	times   []time.Time // of notices
	looks   map[string]int
	streams map[string]func(actuators.Event)
	breaks  map[string]chan error
	opened  map[string]int
	traces  []who.Trace // of every host
	asked   []who.Query
	ponders time.Duration // how long a host takes to tell them
	heals   [][]schema.Instance
	healing func(context.Context, []schema.Instance) error
}

// hidden is the value of what cannot be seen.
const hidden = "?"

type spec struct {
	V string `json:"v"`
	W string `json:"w,omitempty"`
}

type state struct {
	Config spec     `json:"config"`
	Status struct{} `json:"status"`
}

// kind makes a kind whose instances have a value "v" and, after a comma, a value "w".
func kind(name string, change func(*actuators.Def[spec, state])) *actuators.Kind {
	d := actuators.Def[spec, state]{
		Name: name, Where: schema.OnHost, Unmarked: true,
		Observe: func(context.Context, actuators.Host, actuators.Scope) ([]actuators.Live[state], error) {
			return nil, nil
		},
		Diff: func(want *spec, have actuators.Have[state]) (d actuators.Diff) {
			if have.Here == nil {
				d.Action = actuators.Create
				return d
			}
			d.Field("v", have.Here.Config.V, want.V, "")
			d.Field("w", have.Here.Config.W, want.W, "")
			return d.Settle()
		},
		Steps: func(actuators.Subject, actuators.Diff, *spec, actuators.Have[state]) ([]actuators.Step, error) {
			return nil, nil
		},
		Ops: []actuators.AnyOp{actuators.Op[spec, spec, state]{
			Name: "set", Reversal: actuators.Kept,
			Capture: func(context.Context, actuators.Host, spec) (spec, error) { return spec{}, nil },
			Do:      func(context.Context, actuators.Host, spec, spec) error { return nil },
			Predict: func(p spec, _ *state) *state { return &state{Config: p} },
		}},
	}
	change(&d)
	return actuators.Define(d)
}

func watched(d *actuators.Def[spec, state]) {
	d.Watch = func(context.Context, actuators.Host, func(actuators.Event)) error { return nil }
}

func kinds() *actuators.Registry {
	all := []*actuators.Kind{
		kind("polled", func(*actuators.Def[spec, state]) {}),
		kind("evented", watched),
		kind("data", func(d *actuators.Def[spec, state]) { d.HoldsData = true }),
		kind("seen", func(d *actuators.Def[spec, state]) { d.Ops = nil }),
	}
	for n := range 9 {
		all = append(all, kind(fmt.Sprintf("k%d", n), func(*actuators.Def[spec, state]) {}))
	}
	return actuators.NewRegistry(all...)
}

// newRig makes a rig in which every named instance was applied with the value "1" a minute ago.
func newRig(t testing.TB, instances string) *rig {
	r := &rig{
		t: t, live: map[schema.Instance]string{}, silent: map[string]bool{}, hangs: map[string]chan struct{}{}, inv: inventory.Inventory{},
		looks: map[string]int{}, streams: map[string]func(actuators.Event){}, breaks: map[string]chan error{}, opened: map[string]int{},
	}
	for name := range strings.FieldsSeq(instances) {
		r.apply(name, "1", time.Now().Add(-time.Minute))
	}
	r.options = drift.Options{
		Kinds: kinds(), Hosts: r, Installation: "i", Interval: 30 * time.Second, Now: time.Now, Log: zerolog.Nop(),
		Inventory: func() (inventory.Inventory, error) {
			r.mu.Lock()
			defer r.mu.Unlock()
			copied := inventory.Inventory{}
			for i, entry := range r.inv {
				e := *entry
				copied[i] = &e
			}
			return copied, nil
		},
		View: r,
		Tell: notify.To(r.told),
	}
	return r
}

// apply is what a plan leaves: the live value and its entry.
func (r *rig) apply(name, value string, when time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	i := schema.ParseInstance(name)
	r.live[i] = value
	data, _ := json.Marshal(spec{V: value})
	e := &inventory.Entry{Instance: i, Spec: data, Hash: schema.Hash(data), AppliedAt: when, Pos: schema.Pos{File: "a.cue", Line: 3, Col: 2}, Commit: "c1"}
	if old := r.inv[i]; old != nil {
		e.Drift = old.Drift
	}
	r.inv[i] = e
}

// set changes what is live, as somebody by hand; "" takes it away.
func (r *rig) set(name, value string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if value == "" {
		delete(r.live, schema.ParseInstance(name))
		return
	}
	r.live[schema.ParseInstance(name)] = value
}

func (r *rig) entry(name string, change func(*inventory.Entry)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(r.inv[schema.ParseInstance(name)])
}

// Look, Sweep, Heard, Deaf: the rig is the engine's view, without a memory.
func (r *rig) Look(ctx context.Context, host, kind string, sc actuators.Scope) *diff.Look {
	look := r.look(ctx, host, kind, sc)
	if !sc.All {
		look.Found = slices.DeleteFunc(look.Found, func(o actuators.Observed) bool {
			return !slices.ContainsFunc(sc.Targets, func(t actuators.Target) bool { return t.ID == o.ID })
		})
	}
	return look
}

func (r *rig) Sweep(ctx context.Context, host string, scopes map[string]actuators.Scope) []*diff.Look {
	var all sync.WaitGroup
	looks := make([]*diff.Look, len(scopes))
	for n, kind := range slices.Sorted(maps.Keys(scopes)) {
		all.Go(func() { looks[n] = r.Look(ctx, host, kind, scopes[kind]) })
	}
	all.Wait()
	return looks
}

func (r *rig) Heard(string, string, actuators.Event) {}
func (r *rig) Deaf(string, string)                   {}

func (r *rig) look(ctx context.Context, host, kind string, sc actuators.Scope) *diff.Look {
	look := &diff.Look{Host: host, Kind: kind, All: sc.All, At: time.Now()}
	r.mu.Lock()
	r.looks[kind+"@"+host]++
	gate, slow := r.hangs[host], r.slow
	found := map[schema.ID]string{}
	for i, value := range r.live {
		if i.Host == host && i.ID.Kind() == kind {
			found[i.ID] = value
		}
	}
	if r.silent[host] {
		look.Err = "no answer"
	}
	r.mu.Unlock()
	if gate != nil {
		select {
		case <-gate:
		case <-ctx.Done():
		}
	}
	if slow > 0 {
		time.Sleep(slow)
	}
	for id, value := range found {
		v, w, _ := strings.Cut(value, ",")
		data, _ := json.Marshal(state{Config: spec{V: v, W: w}})
		if v == hidden {
			look.Found = append(look.Found, actuators.Observed{ID: id, Unknown: "not mounted"})
			continue
		}
		look.Found = append(look.Found, actuators.Observed{ID: id, State: data})
	}
	return look
}

func (r *rig) told(n notify.Notice) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.notices, r.times = append(r.notices, n), append(r.times, time.Now())
}

// run starts the engine within a bubble of synthetic time; the test's end stops it, and the bubble proves that nothing of
// it goes on.
func (r *rig) run() (stop func()) {
	r.engine = drift.New(r.options)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- r.engine.Run(ctx) }()
	synctest.Wait()
	return func() {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			r.t.Errorf("the engine ended with %v", err)
		}
	}
}

// remembering has a rig tell through an outbox, as controllers do, so that another engine can go on.
func (r *rig) remembering(box *notify.Outbox) *rig {
	r.options.Tell = keeper{box, r}
	return r
}

// keeper commits to an outbox and tells the rig.
type keeper struct {
	*notify.Outbox
	rig *rig
}

func (k keeper) Commit(state map[string]json.RawMessage, notices ...notify.Notice) {
	if err := k.Outbox.Commit(state, notices...); err != nil {
		k.rig.t.Error(err)
	}
	for _, n := range notices {
		k.rig.told(n)
	}
}

// pass lets time go by and everything happen that is due.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// event sends a hint on the stream of the instance's place.
func (r *rig) event(name, words string) {
	emit := r.stream(name)
	if emit == nil {
		r.t.Fatalf("nobody listens to %s", name)
	}
	emit(actuators.Event{ID: schema.ParseInstance(name).ID, Time: time.Now(), Text: words})
	synctest.Wait()
}

func (r *rig) stream(name string) func(actuators.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	i := schema.ParseInstance(name)
	return r.streams[i.ID.Kind()+"@"+i.Host]
}

// said is what the notices tell: "firing DriftDetected polled/a@h1".
func (r *rig) said() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []string
	for _, n := range r.notices {
		out = append(out, fmt.Sprintf("%s %s %s", n.Status, n.Reason, n.Object))
	}
	return strings.Join(out, "; ")
}

func (r *rig) expect(want string) {
	r.t.Helper()
	if got := r.said(); got != want {
		r.t.Errorf("\n got %s\nwant %s", got, want)
	}
}

func (r *rig) phases() string {
	var out []string
	for _, i := range r.engine.Incidents() {
		out = append(out, fmt.Sprintf("%s %s", i.Instance, i.Phase))
	}
	return strings.Join(out, "; ")
}

func (r *rig) count(place string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.looks[place]
}

// heal lets the rig heal: what is applied becomes live again.
func (r *rig) heal() {
	r.options.Heal = func(ctx context.Context, instances []schema.Instance) error {
		r.mu.Lock()
		r.heals = append(r.heals, slices.Clone(instances))
		healing := r.healing
		r.mu.Unlock()
		if healing != nil {
			return healing(ctx, instances)
		}
		unmask := r.engine.Mask(instances, instances)
		defer unmask()
		for _, i := range instances {
			r.apply(i.String(), "1", time.Now())
		}
		return nil
	}
}

// Get, Drop: the rig is its pool of hosts.
func (r *rig) Get(_ context.Context, host string) (exec.Executor, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.silent[host] {
		return nil, exec.ErrUnreachable
	}
	return executor{rig: r, host: host}, nil
}

func (r *rig) Drop(string) {}

// executor has streams of hints, and traces of people.
type executor struct {
	exec.Executor
	rig  *rig
	host string
}

func (x executor) Traces(ctx context.Context, q who.Query) ([]who.Trace, error) {
	x.rig.mu.Lock()
	x.rig.asked = append(x.rig.asked, q)
	ponders, traces := x.rig.ponders, x.rig.traces
	x.rig.mu.Unlock()
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(ponders):
		return traces, nil
	}
}

func (x executor) Watch(ctx context.Context, kind string, emit func(actuators.Event)) error {
	key := kind + "@" + x.host
	broken := make(chan error, 1)
	x.rig.mu.Lock()
	x.rig.streams[key], x.rig.breaks[key] = emit, broken
	x.rig.opened[key]++
	x.rig.mu.Unlock()
	defer func() {
		x.rig.mu.Lock()
		defer x.rig.mu.Unlock()
		delete(x.rig.streams, key)
	}()
	emit(actuators.Event{Time: time.Now(), Standing: true})
	select {
	case err := <-broken:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

package run_test

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"plumbline/actuators"
	"plumbline/reconcile/exec"
	"plumbline/reconcile/inventory"
	"plumbline/reconcile/journal"
	"plumbline/reconcile/plan"
	"plumbline/reconcile/run"
	"plumbline/schema"
)

// idle is a datacenter that costs nothing: what is left of a run over it is the engine and its journal.
type idle struct {
	exec.Executor
	kinds *actuators.Registry
	mu    sync.Mutex
	there map[schema.ID]json.RawMessage
}

type idleState struct {
	Config idleConfig `json:"config"`
	Status struct{}   `json:"status"`
}

type idleConfig struct {
	Size   int      `json:"size"`
	Names  []string `json:"names"`
	Parent string   `json:"parent"`
}

func newIdle() *idle {
	d := &idle{there: map[schema.ID]json.RawMessage{}}
	d.kinds = actuators.NewRegistry(actuators.Define(actuators.Def[idleConfig, idleState]{
		Name: "thing", Where: schema.OnHost, Unmarked: true,
		Observe: func(context.Context, actuators.Host, actuators.Scope) ([]actuators.Live[idleState], error) {
			return nil, nil
		},
		Diff: func(*idleConfig, actuators.Have[idleState]) actuators.Diff { return actuators.Diff{} },
		Steps: func(actuators.Subject, actuators.Diff, *idleConfig, actuators.Have[idleState]) ([]actuators.Step, error) {
			return nil, nil
		},
		Ops: []actuators.AnyOp{actuators.Op[idleConfig, json.RawMessage, idleState]{
			Name: "make", Reversal: actuators.Exact,
			Capture: func(context.Context, actuators.Host, idleConfig) (json.RawMessage, error) { return nil, nil },
			Do:      func(context.Context, actuators.Host, idleConfig, json.RawMessage) error { return nil },
			Undo:    func(context.Context, actuators.Host, idleConfig, json.RawMessage) error { return nil },
			Predict: func(p idleConfig, _ *idleState) *idleState { return &idleState{Config: p} },
		}},
	}))
	return d
}

func (d *idle) Get(context.Context, string) (exec.Executor, error)   { return d, nil }
func (d *idle) Fresh(context.Context, string) (exec.Executor, error) { return d, nil }
func (d *idle) Drop(string)                                          {}

func (d *idle) Observe(_ context.Context, _ string, sc actuators.Scope) (found []actuators.Observed, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, target := range sc.Targets {
		if state := d.there[target.ID]; state != nil {
			found = append(found, actuators.Observed{ID: target.ID, State: state})
		}
	}
	return found, nil
}

func (d *idle) Many(ctx context.Context, verb exec.Verb, calls []exec.Call) ([]exec.Answer, error) {
	return exec.Each(ctx, d, verb, calls), nil
}

func (d *idle) Preflight(context.Context, exec.Call) error { return nil }

func (d *idle) Capture(context.Context, exec.Call) (json.RawMessage, error) {
	return json.RawMessage("null"), nil
}

func (d *idle) Do(_ context.Context, c exec.Call) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.there[c.Instance.ID] = json.RawMessage(`{"config":` + string(c.Params) + `,"status":{}}`)
	return nil
}

// estate is a plan of n things: services of a disk, a machine, a mapping and a name each, on a network of their host.
func estate(id string, n int) *plan.Plan {
	p := &plan.Plan{ID: id, Commit: id}
	add := func(lane *plan.Lane, name, host string, needs ...string) string {
		i := schema.MakeID("thing", name).On(host)
		spec, _ := json.Marshal(idleConfig{Size: 64 << 20, Names: []string{"one." + name, "two." + name}, Parent: name})
		step := actuators.Step{
			ID: i.String() + "#1", Op: "make", Host: host, Params: spec, Instance: i, Version: 1, Reversal: actuators.Exact, Lane: lane.ID,
			Needs: needs, Timeout: 30 * time.Second, Summary: "make " + name,
		}
		entry := &inventory.Entry{Instance: i, Hash: schema.Hash(spec), Spec: spec, Commit: id}
		p.Steps = append(p.Steps, step)
		p.Changes = append(p.Changes, &plan.Change{Instance: i, Lane: lane.ID, Action: actuators.Create, Want: spec, Entry: entry})
		lane.Objects = append(lane.Objects, i)
		return step.ID
	}
	hosts := min(100, n/40+1)
	for h := range hosts {
		l := plan.Lane{ID: len(p.Lanes) + 1, Ground: true, EffectDigest: fmt.Sprint("sha256:g", h)}
		add(&l, fmt.Sprintf("net-%d", h), fmt.Sprintf("h%d", h))
		p.Lanes = append(p.Lanes, l)
	}
	for s := range (n - hosts) / 4 {
		l := plan.Lane{ID: len(p.Lanes) + 1, EffectDigest: fmt.Sprint("sha256:", s), Needs: []int{s%hosts + 1}}
		host := fmt.Sprintf("h%d", s%hosts)
		disk := add(&l, fmt.Sprintf("disk-%d", s), host)
		machine := add(&l, fmt.Sprintf("machine-%d", s), host, disk)
		nat := add(&l, fmt.Sprintf("nat-%d", s), fmt.Sprintf("edge%d", s%hosts/10), machine)
		add(&l, fmt.Sprintf("name-%d", s), fmt.Sprintf("ns%d", s%4), nat)
		p.Lanes = append(p.Lanes, l)
	}
	return p
}

// BenchmarkApply is the engine alone, with a journal on the disk: from a plan to its result.
func BenchmarkApply(b *testing.B) {
	for _, n := range []int{1000, 10000, 40000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			steps := 0
			for b.Loop() {
				b.StopTimer()
				store, err := journal.Open(filepath.Join(b.TempDir(), "state.db"), journal.Options{})
				must(b, err)
				p, world := estate("p1", n), newIdle()
				steps += len(p.Steps)
				runtime.GC()
				b.StartTimer()
				res, err := run.Run(context.Background(), run.Input{Plan: p, Store: store, Hosts: world, Kinds: world.kinds})
				must(b, err)
				b.StopTimer()
				if res.Verdict != run.Applied {
					b.Fatalf("%s", res.Verdict)
				}
				must(b, store.Close())
				b.StartTimer()
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(steps), "us/step")
		})
	}
}

// BenchmarkApplyOne is a plan of one step, with an inventory of ten thousand.
func BenchmarkApplyOne(b *testing.B) {
	store, err := journal.Open(filepath.Join(b.TempDir(), "state.db"), journal.Options{})
	must(b, err)
	world := newIdle()
	var entries []journal.Update
	for _, c := range estate("p0", 10000).Changes {
		entries = append(entries, journal.Update{Put: c.Entry})
	}
	must(b, store.Change(entries...))
	n := 0
	for b.Loop() {
		n++
		p := &plan.Plan{ID: fmt.Sprint("p", n), Commit: "c"}
		i := schema.MakeID("thing", fmt.Sprint("new-", n)).On("h1")
		spec := json.RawMessage(`{"size":1,"names":["a"],"parent":"b"}`)
		p.Lanes = []plan.Lane{{ID: 1, Objects: []schema.Instance{i}, EffectDigest: "sha256:1"}}
		p.Changes = []*plan.Change{{Instance: i, Lane: 1, Action: actuators.Create, Want: spec, Entry: &inventory.Entry{Instance: i, Spec: spec}}}
		p.Steps = []actuators.Step{{ID: "s1", Op: "make", Host: "h1", Params: spec, Instance: i, Version: 1, Reversal: actuators.Exact, Lane: 1, Timeout: time.Second}}
		res, err := run.Run(context.Background(), run.Input{Plan: p, Store: store, Hosts: world, Kinds: world.kinds})
		must(b, err)
		if res.Verdict != run.Applied {
			b.Fatal(res.Verdict)
		}
	}
	must(b, store.Close())
}

package sim_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"plumbline/actuators"
	"plumbline/actuators/all"
	hostexec "plumbline/reconcile/exec"
	"plumbline/reconcile/run"
	"plumbline/schema"
	"plumbline/testenv/lab"
	"plumbline/testenv/sim"
)

// plug is a toy kind with one op, which wants a confirmation.
type plugState struct {
	Config struct {
		On  bool   `json:"on,omitempty"`
		For string `json:"for,omitempty"`
	} `json:"config"`
	Status struct{} `json:"status"`
}

type plugParams struct {
	Note string `json:"note"` // holds the mark as a word
	For  string `json:"for"`
}

func plug() *actuators.Registry {
	type none struct{}
	on := actuators.Op[plugParams, none, plugState]{
		Name: "on", Reversal: actuators.Exact, Confirm: 30 * time.Millisecond,
		Capture: func(context.Context, actuators.Host, plugParams) (none, error) { panic("no host is here") },
		Do:      func(context.Context, actuators.Host, plugParams, none) error { panic("no host is here") },
		Undo:    func(context.Context, actuators.Host, plugParams, none) error { panic("no host is here") },
		Predict: func(p plugParams, _ *plugState) *plugState {
			var s plugState
			s.Config.On, s.Config.For = true, p.For
			return &s
		},
	}
	return actuators.NewRegistry(actuators.Define(actuators.Def[plugParams, plugState]{
		Name: "plug", Where: schema.OnHost, Ops: []actuators.AnyOp{on},
		Watch: func(context.Context, actuators.Host, func(actuators.Event)) error { panic("no host is here") },
		Stamp: func(context.Context, actuators.Host, actuators.Scope) (string, error) { panic("no host is here") },
		Observe: func(context.Context, actuators.Host, actuators.Scope) ([]actuators.Live[plugState], error) {
			panic("no host is here")
		},
		Diff: func(*plugParams, actuators.Have[plugState]) actuators.Diff { return actuators.Diff{} },
		Steps: func(actuators.Subject, actuators.Diff, *plugParams, actuators.Have[plugState]) ([]actuators.Step, error) {
			return nil, nil
		},
	}))
}

func on(what string) hostexec.Call {
	mark := actuators.Mark{Installation: "inst", ID: "plug/p", Hash: "h"}
	params, _ := json.Marshal(plugParams{Note: "see " + mark.String() + " there", For: what})
	return hostexec.Call{Step: "s1", Epoch: 1, Kind: "plug", Op: "on", Version: 1, Instance: at("plug/p@a"), Params: params}
}

func dial(t *testing.T, w *sim.World) hostexec.Executor {
	t.Helper()
	e, err := w.Dial(context.Background(), "a", "")
	must(t, err)
	return e
}

// begin captures and does.
func begin(t *testing.T, e hostexec.Executor, call hostexec.Call) hostexec.Call {
	t.Helper()
	var err error
	call.Before, err = e.Capture(context.Background(), call)
	must(t, err)
	must(t, e.Do(context.Background(), call))
	return call
}

func TestWhatIsNotConfirmedComesBack(t *testing.T) {
	clock := time.Unix(1000, 0)
	w := sim.New(plug(), sim.Options{Now: func() time.Time { return clock }})
	e, ctx := dial(t, w), context.Background()
	begin(t, e, on("test"))
	if thing, _ := w.Thing(at("plug/p@a")); thing == nil || thing.Mark == nil || thing.Mark.Installation != "inst" {
		t.Fatalf("it is not on and marked: %+v", thing)
	}
	if err := e.Confirm(ctx, "s1"); !errors.Is(err, actuators.ErrRefused) {
		t.Errorf("confirmed over the same connection: %v", err)
	}
	clock = clock.Add(time.Second)
	if thing, _ := w.Thing(at("plug/p@a")); thing != nil {
		t.Errorf("it is still on: %s", thing.State)
	}
	if err := dial(t, w).Confirm(ctx, "s1"); !errors.Is(err, hostexec.ErrReverted) {
		t.Errorf("confirmed too late: %v", err)
	}
	begin(t, e, on("test"))
	must(t, dial(t, w).Confirm(ctx, "s1"))
	clock = clock.Add(time.Second)
	if thing, _ := w.Thing(at("plug/p@a")); thing == nil {
		t.Error("it went although it was confirmed")
	}
}

func TestUndoIsStuckWhereSomebodyElseWrote(t *testing.T) {
	w := sim.New(plug(), sim.Options{})
	e, ctx := dial(t, w), context.Background()
	first := begin(t, e, on("test"))
	must(t, dial(t, w).Confirm(ctx, "s1"))
	second := on("other")
	second.Step = "s2"
	second = begin(t, e, second)
	must(t, w.Sabotage(at("plug/p@a"), "for", "mine"))
	if err := e.Undo(ctx, second); !errors.Is(err, actuators.ErrStuck) {
		t.Errorf("undo over another's value: %v", err)
	}
	must(t, w.Sabotage(at("plug/p@a"), "for", "other"))
	must(t, e.Undo(ctx, second))
	must(t, w.Sabotage(at("plug/p@a"), "extra", 1))
	second = begin(t, e, second)
	must(t, e.Undo(ctx, second))
	if thing, _ := w.Thing(at("plug/p@a")); !strings.Contains(string(thing.State), `"extra":1`) || !strings.Contains(string(thing.State), `"for":"test"`) {
		t.Errorf("it is %s", thing.State)
	}
	must(t, e.Undo(ctx, first))
}

func TestAnOldEpochIsFenced(t *testing.T) {
	w := sim.New(plug(), sim.Options{})
	e := dial(t, w)
	young := on("test")
	young.Epoch = 5
	begin(t, e, young)
	if err := e.Do(context.Background(), on("test")); !errors.Is(err, hostexec.ErrFenced) {
		t.Errorf("epoch 1 after 5: %v", err)
	}
}

func TestAHangEndsWithItsContext(t *testing.T) {
	w := sim.New(plug(), sim.Options{})
	must(t, w.Fail("a", sim.Fault{How: sim.Hang}))
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if err := dial(t, w).Do(ctx, on("test")); !errors.Is(err, hostexec.ErrUnknown) {
		t.Errorf("got %v, want unknown", err)
	}
	if thing, _ := w.Thing(at("plug/p@a")); thing != nil {
		t.Error("it was done")
	}
}

func TestChangesAreTold(t *testing.T) {
	for name, o := range map[string]sim.Options{"in memory": {}, "in files, by another process": {Dir: t.TempDir()}} {
		t.Run(name, func(t *testing.T) {
			w := sim.New(plug(), o)
			other := w
			if o.Dir != "" {
				other = sim.New(plug(), o)
			}
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			defer cancel()
			events, ended := make(chan actuators.Event, 100), make(chan error, 1)
			e := dial(t, w)
			go func() { ended <- e.Watch(ctx, "plug", func(e actuators.Event) { events <- e }) }()
			if first := <-events; !first.Standing {
				t.Fatalf("the watch begins with %+v", first)
			}
			before := stamp(t, e)
			must(t, other.Put(at("plug/p@a"), `{"config":{},"status":{}}`, nil))
			select {
			case <-events:
			case <-ctx.Done():
				t.Fatal("no hint")
			}
			if after := stamp(t, e); after == before || after != stamp(t, e) {
				t.Errorf("the stamp was %q and is %q", before, after)
			}
			must(t, w.Kill("a"))
			if err := <-ended; !errors.Is(err, hostexec.ErrUnreachable) {
				t.Errorf("the watch of a dead host ended with %v", err)
			}
		})
	}
}

func stamp(t *testing.T, e hostexec.Executor) string {
	t.Helper()
	stamps, err := e.Stamps(context.Background(), map[string]actuators.Scope{"plug": {All: true}})
	must(t, err)
	return stamps["plug"]
}

// A controller in one process, and somebody's hands in another.
func TestProcessesShareAModelInFiles(t *testing.T) {
	shared := os.Getenv("PLUMB_SIM_DIR")
	if shared != "" {
		w := sim.New(all.Registry(), sim.Options{Dir: shared})
		must(t, w.Sabotage(at("vm/payroll@jino0"), "memory.now", 1<<20))
		must(t, w.Fail("edge1", sim.Fault{How: sim.Refuse}))
		return
	}
	shared = t.TempDir()
	c := newCenter(t, sim.Options{Dir: shared})
	c.applied()
	before := c.picture()
	argv := lab.WithinArgv(t.Name())
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), "PLUMB_SIM_DIR="+shared)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if p := c.plan(); p.Change(at("vm/payroll@jino0")) == nil {
		t.Errorf("the other process's sabotage is not seen:\n%s", text(p))
	}
	must(t, c.world.Destroy(at("nat/payroll@edge1")))
	if result := c.apply(); result.Verdict == run.Applied {
		t.Error("the other process's fault had no effect")
	}
	for digest := range parked(t, c) {
		_, err := c.store.Unpark(digest)
		must(t, err)
	}
	c.applied()
	again := sim.New(all.Registry(), sim.Options{Dir: shared})
	picture, err := again.Picture()
	must(t, err)
	if picture != before {
		t.Errorf("before:\n%s\nafter:\n%s", before, picture)
	}
}

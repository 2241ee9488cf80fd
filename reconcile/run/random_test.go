package run_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"plumbline/actuators"
	"plumbline/reconcile/inventory"
	"plumbline/reconcile/journal"
	"plumbline/reconcile/plan"
	"plumbline/reconcile/run"
	"plumbline/schema"
)

// scene is a drawn world with a plan for it.
type scene struct {
	world   *world
	plan    *plan.Plan
	initial map[schema.Instance]config // as it is when the plan runs
	final   map[schema.Instance]config // when every lane goes through
	prior   inventory.Inventory
	faults  map[string]string
	changed map[schema.Instance]bool // not as the plan saw it
}

var doFaults = []string{"", "", "", "", "error before", "error half", "error after", "unknown half", "unknown after", "transient", "never", "foreign"}

func drawScene(t *rapid.T) *scene {
	s := &scene{
		world: newWorld(), plan: &plan.Plan{ID: "p1", Commit: "c1"}, initial: map[schema.Instance]config{},
		final: map[schema.Instance]config{}, prior: inventory.Inventory{}, faults: map[string]string{}, changed: map[schema.Instance]bool{},
	}
	lanes := rapid.IntRange(1, 3).Draw(t, "lanes")
	for n := 1; n <= lanes; n++ {
		l := plan.Lane{ID: n, EffectDigest: fmt.Sprintf("sha256:%d", n)}
		if n > 1 && rapid.IntRange(0, 3).Draw(t, "needs the first lane") == 0 {
			l.Needs = []int{1}
		}
		s.plan.Lanes = append(s.plan.Lanes, l)
	}
	for n := range rapid.IntRange(1, 4).Draw(t, "objects") {
		s.drawObject(t, n)
	}
	s.begin()
	return s
}

func (s *scene) drawObject(t *rapid.T, n int) {
	host := rapid.SampledFrom([]string{"h1", "h2"}).Draw(t, "host")
	i := schema.MakeID("toy", fmt.Sprintf("t%d", n)).On(host)
	lane := &s.plan.Lanes[rapid.IntRange(0, len(s.plan.Lanes)-1).Draw(t, "lane")]
	lane.Objects = append(lane.Objects, i)
	ops := rapid.SampledFrom([][]string{{"make"}, {"make", "set"}, {"set"}, {"grow", "set"}, {"set", "grow"}, {"grow"}, {"drop"}, {"set", "drop"}}).Draw(t, "ops")
	c := &plan.Change{Instance: i, Lane: lane.ID, Want: json.RawMessage(`{}`)}
	if ops[0] != "make" {
		s.initial[i] = config{A: 1 + n, B: 2 + n, Size: 1}
		s.prior[i] = &inventory.Entry{Instance: i, Hash: "old", Spec: json.RawMessage(`{}`)}
		c.Have.Here = stateOf(s.initial[i])
	}
	if last := ops[len(ops)-1]; last == "drop" {
		c.Action, c.Want = actuators.Retire, nil
	} else {
		c.Action = actuators.Update
		c.Entry = &inventory.Entry{Instance: i, Hash: "new", Spec: c.Want}
	}
	s.plan.Changes = append(s.plan.Changes, c)
	for k, op := range ops {
		s.drawStep(t, i, lane.ID, k, op)
	}
	if rapid.IntRange(0, 9).Draw(t, "changed since the plan") == 0 {
		s.changed[i] = true
		s.initial[i] = config{A: 777}
	}
}

func (s *scene) drawStep(t *rapid.T, i schema.Instance, lane, k int, op string) {
	step := actuators.Step{
		Op: op, Host: i.Host, ID: fmt.Sprintf("%s#%d", i.ID.Name(), k), Instance: i, Version: 1, Reversal: actuators.Exact,
		Lane: lane, Timeout: 2 * time.Second, Summary: op,
	}
	p := params{A: 100 + k, B: 200 + k, Size: 50, ID: i.ID, Host: i.Host, Step: step.ID}
	step.Params, _ = json.Marshal(p)
	toy, there := s.final[i], true
	if k == 0 {
		toy = s.initial[i]
	}
	switch op {
	case "grow":
		step.Reversal, toy.Size = actuators.Kept, p.Size
	case "drop":
		there = false
	default:
		toy.A, toy.B = p.A, p.B
	}
	if s.final[i] = toy; !there {
		delete(s.final, i)
	}
	if rapid.Bool().Draw(t, "shares a container") {
		step.Share = []string{rapid.SampledFrom([]string{"room1", "room2"}).Draw(t, "container")}
	}
	for _, earlier := range s.plan.Steps {
		if earlier.Instance != i && earlier.Lane == lane && rapid.IntRange(0, 2).Draw(t, "needs "+earlier.ID) == 0 {
			step.Needs = append(step.Needs, earlier.ID)
		}
	}
	fault := rapid.SampledFrom(doFaults).Draw(t, "fault of do")
	if op == "grow" && (fault == "error half" || fault == "unknown half" || fault == "foreign") {
		fault = ""
	}
	s.addFault("do "+step.ID, fault)
	s.addFault("preflight "+step.ID, rapid.SampledFrom([]string{"", "", "", "", "", "error", "transient"}).Draw(t, "fault of preflight"))
	s.addFault("capture "+step.ID, rapid.SampledFrom([]string{"", "", "", "", "", "error"}).Draw(t, "fault of capture"))
	if rapid.IntRange(0, 3).Draw(t, "wants a confirmation") == 0 {
		step.Confirm = 5 * time.Second
		s.addFault("confirm "+step.ID, rapid.SampledFrom([]string{"", "error"}).Draw(t, "fault of confirm"))
	}
	s.addFault("undo "+step.ID, rapid.SampledFrom([]string{"", "", "", "once", "always"}).Draw(t, "fault of undo"))
	s.plan.Steps = append(s.plan.Steps, step)
	s.world.steps[step.ID] = step
}

func (s *scene) addFault(key, fault string) {
	if fault != "" {
		s.faults[key] = fault
	}
}

// begin sets the world to the start, so that one scene can be played many times.
func (s *scene) begin() {
	steps := s.world.steps
	s.world = newWorld()
	s.world.steps, s.world.toys, s.world.faults = steps, maps.Clone(s.initial), maps.Clone(s.faults)
}

func stateOf(c config) json.RawMessage {
	data, _ := json.Marshal(state{Config: c})
	return data
}

// memory is a directory where syncing costs nothing, so that many lives can be tried.
func memory(t testing.TB) string {
	dir, err := os.MkdirTemp("/dev/shm", "plumb-run-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
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
	res, err := run.Run(context.Background(), s.world.input(store, s.plan, first))
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
		results, err := run.Resume(context.Background(), s.world.input(store, nil, end))
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

// verify is the engine's promises.
func (s *scene) verify(t fataler, store *journal.Store, res run.Result, died bool) {
	for _, wrong := range s.world.wrong {
		t.Errorf("%s", wrong)
	}
	records, err := store.Records(s.plan.ID)
	must(t, err)
	last, failed := map[string]journal.State{}, map[int]int{}
	for _, r := range records {
		if r.Step != "" {
			last[r.Step] = r.State
		} else if failed[r.Lane]++; failed[r.Lane] > 1 {
			t.Errorf("lane %d decided twice to go back", r.Lane)
		}
	}
	for step := range s.world.begun {
		if last[step] == "" {
			t.Errorf("%s was acknowledged and is forgotten", step)
		}
	}
	named := map[string]bool{}
	for _, residue := range res.Residue {
		named[residue.Step] = true
	}
	have, err := store.Inventory()
	must(t, err)
	for _, l := range res.Lanes {
		if failed[l.Lane] > 0 && l.Outcome != run.LaneRolledBack {
			t.Errorf("lane %d decided to go back and is %s", l.Lane, l.Outcome)
		}
		s.verifyLane(t, l, last, named, have)
		if !died {
			s.verifyIndependence(t, l, res)
		}
	}
}

// verifyLane: all done, or all undone or named; the inventory says the same as the world.
func (s *scene) verifyLane(t fataler, l run.LaneResult, last map[string]journal.State, named map[string]bool, have inventory.Inventory) {
	kept, stuck := map[schema.Instance]bool{}, map[schema.Instance]bool{}
	for _, step := range s.plan.Steps {
		if step.Lane != l.Lane {
			continue
		}
		state := last[step.ID]
		switch {
		case l.Outcome == run.LaneApplied && state != journal.Done:
			t.Errorf("lane %d is applied, its step %s is %q", l.Lane, step.ID, state)
		case l.Outcome != run.LaneApplied && (state == journal.Done || state == journal.Begun):
			t.Errorf("lane %d is %s, its step %s is %q", l.Lane, l.Outcome, step.ID, state)
		case (state == journal.Kept || state == journal.Stuck) && !named[step.ID]:
			t.Errorf("%s is %s and not named", step.ID, state)
		}
		kept[step.Instance] = kept[step.Instance] || state == journal.Kept
		stuck[step.Instance] = stuck[step.Instance] || state == journal.Stuck
	}
	for _, i := range s.plan.Lanes[l.Lane-1].Objects {
		entry := have[i]
		if stuck[i] {
			if entry == nil || entry.Stuck == "" {
				t.Errorf("%s is stuck and not frozen", i)
			}
			continue
		}
		s.verifyObject(t, l, i, kept[i], entry)
	}
}

func (s *scene) verifyObject(t fataler, l run.LaneResult, i schema.Instance, kept bool, entry *inventory.Entry) {
	want, wantThere := s.initial[i]
	if l.Outcome == run.LaneApplied {
		want, wantThere = s.final[i]
	}
	is, there := s.world.toys[i]
	if kept && is.Size == 50 {
		want.Size = 50
	}
	if there != wantThere || is != want {
		t.Errorf("lane %d is %s, %s is %+v %v, want %+v %v", l.Lane, l.Outcome, i, is, there, want, wantThere)
	}
	wantHash := ""
	if s.prior[i] != nil {
		wantHash = s.prior[i].Hash
	}
	if l.Outcome == run.LaneApplied {
		if wantHash = "new"; s.plan.Change(i).Entry == nil {
			wantHash = ""
		}
	}
	hash := ""
	if entry != nil {
		hash = entry.Hash
	}
	if hash != wantHash && !(kept && hash == "new") {
		t.Errorf("lane %d is %s, the inventory has %s as %q, want %q", l.Lane, l.Outcome, i, hash, wantHash)
	}
}

// verifyIndependence: a lane goes through exactly if nothing in it goes wrong and the lanes that it needs go through.
func (s *scene) verifyIndependence(t fataler, l run.LaneResult, res run.Result) {
	want := run.LaneApplied
	for _, step := range s.plan.Steps {
		if step.Lane != l.Lane {
			continue
		}
		switch s.faults["do "+step.ID] {
		case "error before", "error half", "unknown half", "never", "foreign":
			want = run.LaneRolledBack
		}
		if s.faults["confirm "+step.ID] == "error" || s.faults["preflight "+step.ID] == "error" || s.faults["capture "+step.ID] == "error" || s.changed[step.Instance] {
			want = run.LaneRolledBack
		}
	}
	for _, need := range s.plan.Lanes[l.Lane-1].Needs {
		if res.Lanes[need-1].Outcome != run.LaneApplied {
			want = run.LaneBlocked
		}
	}
	if l.Outcome != want {
		t.Errorf("lane %d is %s (%s), want %s", l.Lane, l.Outcome, l.Err, want)
	}
}

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
		if again := s.ended(t, store, res); !reflect.DeepEqual(again.Verdict, res.Verdict) {
			t.Errorf("the store has %q, the result was %q", again.Verdict, res.Verdict)
		}
		must(t, store.Close())
	})
}

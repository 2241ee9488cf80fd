package run_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"testing"
	"time"

	"pgregory.net/rapid"

	"plumbline/actuators"
	"plumbline/reconcile/inventory"
	"plumbline/reconcile/plan"
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

	parallel int
	hosts    int // that may be changed at the same time; 0 = any
}

var doFaults = []string{"", "", "", "", "error before", "error half", "error after", "unknown half", "unknown after", "transient", "never", "foreign"}

func emptyScene(lanes int) *scene {
	s := &scene{
		world: newWorld(), plan: &plan.Plan{ID: "p1", Commit: "c1"}, initial: map[schema.Instance]config{},
		final: map[schema.Instance]config{}, prior: inventory.Inventory{}, faults: map[string]string{}, changed: map[schema.Instance]bool{},
	}
	for n := 1; n <= lanes; n++ {
		s.plan.Lanes = append(s.plan.Lanes, plan.Lane{ID: n, EffectDigest: fmt.Sprintf("sha256:%d", n)})
	}
	return s
}

func drawScene(t *rapid.T) *scene {
	s := emptyScene(rapid.IntRange(1, 3).Draw(t, "lanes"))
	for n := range s.plan.Lanes {
		if n > 0 && rapid.IntRange(0, 3).Draw(t, "needs the first lane") == 0 {
			s.plan.Lanes[n].Needs = []int{1}
		}
	}
	for n := range rapid.IntRange(1, 5).Draw(t, "objects") {
		s.drawObject(t, n)
	}
	throughGates(s.plan, func(step actuators.Step) bool { return rapid.Bool().Draw(t, "through gates "+step.ID) })
	s.parallel = rapid.SampledFrom([]int{1, 1, 4}).Draw(t, "parallel")
	s.hosts = rapid.SampledFrom([]int{0, 1, 2}).Draw(t, "hosts at once")
	s.begin()
	return s
}

var chains = [][]string{
	{"make"}, {"make", "set"}, {"set"}, {"grow", "set"}, {"set", "grow"}, {"grow"}, {"drop"}, {"set", "drop"},
	{"bulk"}, {"bulk"}, {"bulk", "set"}, {"grow", "bulk"},
}

func (s *scene) drawObject(t *rapid.T, n int) {
	host := rapid.SampledFrom([]string{"h1", "h2", "h3"}).Draw(t, "host")
	i := schema.MakeID("toy", fmt.Sprintf("t%d", n)).On(host)
	lane := &s.plan.Lanes[rapid.IntRange(0, len(s.plan.Lanes)-1).Draw(t, "lane")]
	ops := rapid.SampledFrom(chains).Draw(t, "ops")
	s.addObject(i, lane, n, ops[0] != "make", ops[len(ops)-1] == "drop")
	for k, op := range ops {
		s.drawStep(t, i, lane.ID, k, op)
	}
	if rapid.IntRange(0, 9).Draw(t, "changed since the plan") == 0 {
		s.changed[i] = true
		s.initial[i] = config{A: 777}
	}
}

// addObject adds a toy that is there, or is not, and that goes, or stays.
func (s *scene) addObject(i schema.Instance, lane *plan.Lane, n int, there, goes bool) {
	lane.Objects = append(lane.Objects, i)
	c := &plan.Change{Instance: i, Lane: lane.ID, Want: json.RawMessage(`{}`)}
	if there {
		s.initial[i] = config{A: 1 + n, B: 2 + n, Size: 1}
		s.prior[i] = &inventory.Entry{Instance: i, Hash: "old", Spec: json.RawMessage(`{}`)}
		c.Have.Here = stateOf(s.initial[i])
	}
	if goes {
		c.Action, c.Want = actuators.Retire, nil
	} else {
		c.Action = actuators.Update
		c.Entry = &inventory.Entry{Instance: i, Hash: "new", Spec: c.Want}
	}
	s.plan.Changes = append(s.plan.Changes, c)
}

// complete fills in what follows from the op of the k-th step of a toy, and what the toy is in the end.
func (s *scene) complete(step actuators.Step, k int) actuators.Step {
	i := step.Instance
	step.Host, step.ID, step.Version, step.Reversal = i.Host, fmt.Sprintf("%s#%d", i.ID.Name(), k), 1, actuators.Exact
	step.Timeout, step.Summary = 2*time.Second, step.Op
	p := params{A: 100 + k, B: 200 + k, Size: 50, ID: i.ID, Host: i.Host, Step: step.ID}
	step.Params, _ = json.Marshal(p)
	toy, there := s.final[i], true
	if k == 0 {
		toy = s.initial[i]
	}
	switch step.Op {
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
	return step
}

func (s *scene) add(step actuators.Step) {
	s.plan.Steps = append(s.plan.Steps, step)
	s.world.steps[step.ID] = step
}

func (s *scene) drawStep(t *rapid.T, i schema.Instance, lane, k int, op string) {
	step := s.complete(actuators.Step{Instance: i, Lane: lane, Op: op}, k)
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
	if op == "bulk" && rapid.IntRange(0, 5).Draw(t, "the answer is lost") == 0 {
		s.faults["do "+step.ID] = "lost"
	}
	if rapid.IntRange(0, 3).Draw(t, "wants a confirmation") == 0 {
		step.Confirm = 5 * time.Second
		s.addFault("confirm "+step.ID, rapid.SampledFrom([]string{"", "error"}).Draw(t, "fault of confirm"))
	}
	s.addFault("undo "+step.ID, rapid.SampledFrom([]string{"", "", "", "once", "always"}).Draw(t, "fault of undo"))
	s.add(step)
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

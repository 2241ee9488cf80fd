package run_test

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"strconv"
	"strings"
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

// A scenario is a plan, what goes wrong, and the journal that follows.
//
// plan: steps "t1.make" in order; "t2.make<t1" needs t1; "t1b.set" is a second step on the toy t1; "t1.make!" shares a
// container with every other "!"; "t1.make?" wants a confirmation; "t1.make~" has a hold of 30 s. "|" begins the next lane,
// "needs:1" makes it need lane 1, "held:why" holds it, "last" makes it one that purges, "turn:1" gives it a turn; odd ones are of what
// the controller stands on.
//
// faults: "t2:do-error-half", verbs and faults of toyHost; "t1:do-stop" ends the context meanwhile, "t1:do-abort" closes
// Abort, "t1:do-die" kills the process after Do, and a resume follows; "t1:changed" changes the toy after it was planned;
// "self:lost-once" lets the controller lose reach of something with its next change of itself; "t1:look-always" hides it, "t1:do-veil" hides it from one look after its Do.
//
// The trace is the records in order, then the lanes' outcomes, then the verdict.
var scenarios = []struct{ name, plan, faults, want string }{
	{"all goes well", "t1.make t2.make<t1 | t3.set", "",
		"t1:begun t1:done t3:begun t3:done t2:begun t2:done; 1 applied, 2 applied; applied"},
	{"the failing step is undone too, then the earlier ones in reverse; other lanes go on", "t1.make t2.make<t1 | t3.set", "t2:do-error-half",
		"t1:begun t1:done t3:begun t3:done t2:begun t2:undone t1:undone; 1 rolled back, 2 applied; partly applied"},
	{"a step that failed but shows its effect is done", "t1.make", "t1:do-error-after",
		"t1:begun t1:done; 1 applied; applied"},
	{"an unknown outcome is decided by a look", "t1.make t2.make", "t1:do-unknown-after t2:do-unknown-half",
		"t1:begun t1:done t2:begun t2:undone t1:undone; 1 rolled back; rolled back"},
	{"what no look can show failed when it says so", "t1.make t1b.wait t2.make<t1b", "t1b:do-error-after",
		"t1:begun t1:done t1b:begun t1b:undone t1:undone; 1 rolled back; rolled back"},
	{"what no look can show and of which nobody knows goes back", "t1.make t1b.wait", "t1b:do-unknown-after",
		"t1:begun t1:done t1b:begun t1b:undone t1:undone; 1 rolled back; rolled back"},
	{"what no look can show is done again over a new connection", "t1.make t1b.wait", "t1b:do-broken-before",
		"t1:begun t1:done t1b:begun t1b:done; 1 applied; applied"},
	{"what says it may help itself is tried again", "t1.make", "t1:do-transient t1:preflight-transient",
		"t1:begun t1:done; 1 applied; applied"},
	{"a do that changes nothing is not believed", "t1.make", "t1:do-never",
		"t1:begun t1:undone; 1 rolled back; rolled back"},
	{"a refused preflight means that nothing was done in the lane", "t1.make t2.set", "t2:preflight-error",
		"; 1 rolled back; rolled back"},
	{"a later step is asked when its needs are there", "t1.make t2.make<t1", "t2:preflight-error",
		"t1:begun t1:done t1:undone; 1 rolled back; rolled back"},
	{"a failed capture begins nothing", "t1.make", "t1:capture-error",
		"; 1 rolled back; rolled back"},
	{"what changed since the plan is not touched", "t1.make t2.set<t1", "t2:changed",
		"t1:begun t1:done t1:undone; 1 rolled back (changed); rolled back"},
	{"what cannot be seen is not touched", "t1.make t2.set | t3.set", "t2:look-always",
		"t3:begun t3:done; 1 rolled back, 2 applied; partly applied"},
	{"what cannot be seen for a moment after a do is looked at again", "t1.make", "t1:do-veil",
		"t1:begun t1:done; 1 applied; applied"},
	{"what cannot be seen any more after a do goes back, and is stuck where the way back cannot be seen", "t1.make", "t1:do-veil-always",
		"t1:begun t1:stuck; 1 rolled back; rolled back with residue"},
	{"an undo that fails is tried again", "t1.make t2.make<t1", "t2:do-error-half t2:undo-once",
		"t1:begun t1:done t2:begun t2:undone t1:undone; 1 rolled back; rolled back"},
	{"an undo that always fails is stuck, what it stands on stays, the rest goes back", "t1.make t2.make<t1 t3.make t4.make<t2,t3", "t4:do-error-half t2:undo-always",
		"t1:begun t1:done t3:begun t3:done t2:begun t2:done t4:begun t4:undone t2:stuck t3:undone t1:stuck; 1 rolled back; rolled back with residue"},
	{"what somebody else wrote is never overwritten", "t1.make t2.set<t1", "t2:do-foreign",
		"t1:begun t1:done t2:begun t2:stuck t1:stuck; 1 rolled back; rolled back with residue"},
	{"what is gone is named, and holds nothing up", "t1.make t2.set t2b.set t3.make<t1,t2b", "t3:do-error-half t2b:undo-gone t2:undo-gone",
		"t2:begun t2:done t1:begun t1:done t2b:begun t2b:done t3:begun t3:undone t2b:undone t1:undone t2:undone; 1 rolled back; rolled back with residue"},
	{"what is gone and was not there before is as before", "t1.make t1b.set t2.make<t1b", "t2:do-error-half t1b:undo-gone",
		"t1:begun t1:done t1b:begun t1b:done t2:begun t2:undone t1b:undone t1:undone; 1 rolled back; rolled back"},
	{"a one-way step stays and is named", "t1.grow t2.make<t1", "t2:do-error-half",
		"t1:begun t1:done t2:begun t2:undone t1:kept; 1 rolled back; rolled back with residue"},
	{"the steps of an instance follow each other without being told", "t1.make t1b.set t1c.drop", "t1c:do-error-half",
		"t1:begun t1:done t1b:begun t1b:done t1c:begun t1c:undone t1b:undone t1:undone; 1 rolled back; rolled back"},
	{"what needs a lane that failed is blocked", "t1.make | needs:1 t2.make | t3.make", "t1:do-error-half",
		"t1:begun t1:undone t3:begun t3:done; 1 rolled back, 2 blocked, 3 applied; partly applied"},
	{"what needs a blocked lane is blocked", "held:parked t1.make | needs:1 t2.make | needs:2 t3.make", "",
		"; 1 held, 2 blocked, 3 blocked; not run"},
	{"a need in another lane waits for the whole lane", "t1.make t2.make | t3.make<t1", "t2:do-error-half",
		"t1:begun t1:done t2:begun t2:undone t1:undone; 1 rolled back, 2 blocked; rolled back"},
	{"what is not confirmed goes back", "t1.set?", "t1:confirm-error",
		"t1:begun t1:undone; 1 rolled back; rolled back"},
	{"what is confirmed is done", "t1.set?", "", "t1:begun t1:done; 1 applied; applied"},
	{"stop: the current step is finished, incomplete lanes go back, complete ones stay", "t1.make | t2.make t3.make<t2 | t4.make | needs:1 t5.make", "t2:do-stop",
		"t1:begun t1:done t2:begun t2:done t2:undone; 1 applied, 2 rolled back (stopped), 3 not run (stopped), 4 not run (stopped); partly applied"},
	{"stop: a lane that the current step completes stays", "t1.make t2.make<t1", "t2:do-stop",
		"t1:begun t1:done t2:begun t2:done; 1 applied; applied"},
	{"death: an unacknowledged step that completes its lane is acknowledged", "t1.make t2.make<t1", "t2:do-die",
		"t1:begun t1:done t2:begun / t2:done; 1 applied; applied"},
	{"death: a step whose effect cannot be seen is not believed", "t1.make t1b.wait", "t1b:do-die",
		"t1:begun t1:done t1b:begun / t1b:undone t1:undone; 1 rolled back (interrupted); rolled back"},
	{"death: an incomplete lane goes back", "t1.make t2.make<t1 | t3.make", "t1:do-die",
		"t1:begun / t1:undone; 1 rolled back (interrupted), 2 not run (interrupted); rolled back"},
	{"death on the way back", "t1.make t2.make<t1", "t2:do-error-half t2:undo-die",
		"t1:begun t1:done t2:begun / t2:undone t1:undone; 1 rolled back; rolled back"},
	{"abort leaves everything to the next start", "t1.make t2.make<t1", "t2:do-abort",
		"t1:begun t1:done t2:begun / t2:done; 1 applied; applied"},
	{"what an op does at once goes together, whatever its lanes", "t1.bulk! | t2.bulk! t3.bulk!", "",
		"t1:begun t2:begun t3:begun t1:done t2:done t3:done; 1 applied, 2 applied; applied"},
	{"no more go together than the op takes", "t1.bulk t2.bulk t3.bulk t4.bulk", "",
		"t1:begun t2:begun t3:begun t1:done t2:done t3:done t4:begun t4:done; 1 applied; applied"},
	{"only the culprit fails, and its lane goes back together", "t1.bulk! | t2.bulk! t3.bulk!", "t2:do-error-half",
		"t1:begun t2:begun t3:begun t1:done t3:done t3:undone t2:undone; 1 applied, 2 rolled back; partly applied"},
	{"one that is not as planned keeps the others from nothing", "t1.bulk | t2.bulk | t3.bulk", "t2:changed",
		"t1:begun t3:begun t1:done t3:done; 1 applied, 2 rolled back (changed), 3 applied; partly applied"},
	{"an answer that is lost is unknown for all, and a look decides for each", "t1.bulk | t2.bulk | t3.bulk", "t1:do-lost t2:do-error-half",
		"t1:begun t2:begun t3:begun t1:done t3:done t2:undone; 1 applied, 2 rolled back, 3 applied; partly applied"},
	{"who may help himself is tried again without the others", "t1.bulk | t2.bulk", "t2:do-transient",
		"t1:begun t2:begun t1:done t2:done; 1 applied, 2 applied; applied"},
	{"a way back that fails for one is tried again for that one", "t1.bulk t2.bulk t3.make<t1,t2", "t3:do-error-half t2:undo-once",
		"t1:begun t2:begun t1:done t2:done t3:begun t3:undone t2:undone t1:undone; 1 rolled back; rolled back"},
	{"death in the middle of many", "t1.bulk t2.bulk | t3.bulk t4.set<t3", "t1:do-die",
		"t3:begun t1:begun t2:begun / t3:undone t2:undone t1:undone; 1 rolled back (interrupted), 2 rolled back (interrupted); rolled back"},
	{"many wait for one confirmation", "t1.bulk? | t2.bulk? t3.bulk?", "",
		"t1:begun t2:begun t3:begun t1:done t2:done t3:done; 1 applied, 2 applied; applied"},
	{"of many that wait, the culprit goes back and the others are confirmed", "t1.bulk? | t2.bulk? | t3.bulk?", "t2:do-error-half",
		"t1:begun t2:begun t3:begun t1:done t3:done t2:undone; 1 applied, 2 rolled back, 3 applied; partly applied"},
	{"of many that wait, one that is not confirmed goes back alone", "t1.bulk? | t2.bulk? | t3.bulk?", "t2:confirm-error",
		"t1:begun t2:begun t3:begun t1:done t3:done t2:undone; 1 applied, 2 rolled back, 3 applied; partly applied"},
	{"what waits goes with nobody who does not", "t1.bulk? | t2.bulk", "",
		"t1:begun t1:done t2:begun t2:done; 1 applied, 2 applied; applied"},
	{"death before the confirmation of many", "t1.bulk? | t2.bulk? t3.set<t2", "t1:do-die",
		"t2:begun t1:begun / t2:undone t1:undone; 1 rolled back (interrupted), 2 rolled back (interrupted); rolled back"},
	{"what purges goes last", "last t1.set | t2.make t3.make<t2 | t4.make", "",
		"t2:begun t2:done t4:begun t4:done t3:begun t3:done t1:begun t1:done; 1 applied, 2 applied, 3 applied; applied"},
	{"nothing is purged beside what did not go through", "last t1.set | t2.make | t3.make", "t2:do-error-half",
		"t2:begun t2:undone t3:begun t3:done; 1 blocked, 2 rolled back, 3 applied; partly applied"},
	{"nothing is purged beside what is held", "last t1.set | held:why t2.make | t3.make", "",
		"t3:begun t3:done; 1 blocked, 2 held, 3 applied; partly applied"},
	{"purges do not wait for each other, but for what they need", "last t1.set | last t2.set | last needs:1 t3.set", "t1:do-error-half",
		"t1:begun t1:undone t2:begun t2:done; 1 rolled back, 2 applied, 3 blocked; partly applied"},
	{"a resume purges nothing", "last t1.set | t2.make", "t2:do-die",
		"t2:begun / t2:done; 1 not run (interrupted), 2 applied; partly applied"},
	{"what the controller stands on comes last and alone, and what needs it after it", "turn:1 t1.set | t2.make t3.make<t2 | turn:3 t4.set | turn:2 needs:1 t5.make | turn:4 needs:1 t6.make | last t7.set", "",
		"t2:begun t2:done t3:begun t3:done t1:begun t1:done t5:begun t5:done t4:begun t4:done t6:begun t6:done t7:begun t7:done; " +
			"1 applied, 2 applied, 3 applied, 4 applied, 5 applied, 6 applied; applied"},
	{"what failed elsewhere keeps nobody from changing what the controller stands on", "turn:1 t1.set | t2.make | held:why t3.make", "t2:do-error-half",
		"t2:begun t2:undone t1:begun t1:done; 1 applied, 2 rolled back, 3 held; partly applied"},
	{"the controller loses reach: only that change goes back, and the next has its turn", "turn:1 t1.set | t2.make | turn:3 t3.set | turn:4 needs:1 t4.make", "self:lost-once",
		"t2:begun t2:done t1:begun t1:undone t3:begun t3:done; 1 rolled back, 2 applied, 3 applied, 4 blocked; partly applied"},
	{"the controller loses reach: what waits for a confirmation gets none", "t2.make | turn:1 t1.set?", "self:lost-once t1:confirm-error",
		"t2:begun t2:done t1:begun t1:undone; 1 applied, 2 rolled back; partly applied"},
	{"of several steps on what the controller stands on, each is looked at", "turn:1 t1.set t2.set<t1 t3.set<t2 | t4.make", "self:lost-once",
		"t4:begun t4:done t1:begun t1:undone; 1 rolled back, 2 applied; partly applied"},
	{"only lanes of later turns are left", "held:why t1.make | turn:1 t2.set | turn:3 needs:1 t3.set | turn:5 t4.set", "",
		"t2:begun t2:done t4:begun t4:done; 1 held, 2 applied, 3 blocked, 4 applied; partly applied"},
	{"death while what the controller stands on is changed", "t1.make | turn:1 t2.set t3.set<t2 | turn:3 t4.set", "t2:do-die",
		"t1:begun t1:done t2:begun / t2:undone; 1 applied, 2 rolled back (interrupted), 3 not run (interrupted); partly applied"},
	{"a fenced controller touches nothing more", "t1.make t2.make<t1", "t2:do-fenced",
		"t1:begun t1:done t2:begun fenced"},
}

func TestScenarios(t *testing.T) {
	for _, c := range scenarios {
		t.Run(c.name, func(t *testing.T) {
			playScenario(t, newStage(t, c.plan, c.faults), c.want)
		})
		t.Run(c.name+", through gates", func(t *testing.T) {
			s := newStage(t, c.plan, c.faults)
			throughGates(s.plan, func(actuators.Step) bool { return true })
			playScenario(t, s, c.want)
		})
	}
}

func playScenario(t *testing.T, s *stage, want string) {
	if got := s.play(); got != want {
		t.Errorf("\ngot  %s\nwant %s", got, want)
	}
	for _, wrong := range s.world.wrong {
		t.Error(wrong)
	}
}

// throughGates lets some steps wait for a gate for what they waited for; the same needs are the same gate. The first of several
// needs has a gate of its own, for which the other one waits.
func throughGates(p *plan.Plan, which func(actuators.Step) bool) {
	made := map[string]bool{}
	gate := func(needs []string) string {
		id := "addr/public/" + strings.Join(needs, "+")
		if !made[id] {
			made[id] = true
			p.Gates = append(p.Gates, plan.Gate{ID: id, Needs: needs})
		}
		return id
	}
	for i, step := range p.Steps {
		switch needs := step.Needs; {
		case len(needs) == 0 || !which(step):
		case len(needs) == 1:
			p.Steps[i].Needs = []string{gate(needs)}
		default:
			p.Steps[i].Needs = []string{gate(append([]string{gate(needs[:1])}, needs[1:]...))}
		}
	}
}

// stage is where a scenario is played.
type stage struct {
	t      *testing.T
	world  *world
	plan   *plan.Plan
	store  *journal.Store
	path   string
	result run.Result
	events []run.Event
}

func newStage(t *testing.T, steps, faults string) *stage {
	s := &stage{t: t, world: newWorld(), plan: &plan.Plan{ID: "p1", Commit: "c1"}, path: filepath.Join(memory(t), "state.db")}
	s.openStore()
	t.Cleanup(func() { s.store.Close() })
	for n, lane := range strings.Split(steps, "|") {
		s.addLane(n+1, strings.Fields(lane))
	}
	for _, fault := range strings.Fields(faults) {
		s.addFault(fault)
	}
	return s
}

func (s *stage) openStore() {
	store, err := journal.Open(s.path, journal.Options{})
	must(s.t, err)
	s.store = store
}

func (s *stage) addLane(n int, words []string) {
	l := plan.Lane{ID: n, EffectDigest: "sha256:" + strconv.Itoa(n)}
	for _, word := range words {
		if need, ok := strings.CutPrefix(word, "needs:"); ok {
			id, _ := strconv.Atoi(need)
			l.Needs = append(l.Needs, id)
		} else if why, ok := strings.CutPrefix(word, "held:"); ok {
			l.Held = why
		} else if word == "last" {
			l.Last = true
		} else if turn, ok := strings.CutPrefix(word, "turn:"); ok {
			l.Turn, _ = strconv.Atoi(turn)
			l.Self = l.Turn%2 == 1
		} else {
			s.addStep(&l, word)
		}
	}
	s.plan.Lanes = append(s.plan.Lanes, l)
}

func (s *stage) addStep(l *plan.Lane, word string) {
	id, op, _ := strings.Cut(word, ".")
	op, needs, _ := strings.Cut(op, "<")
	i := schema.MakeID("toy", id[:2]).On("h1")
	step := actuators.Step{ID: id, Instance: i, Host: "h1", Lane: l.ID, Version: 1, Reversal: actuators.Exact, Timeout: time.Second, Summary: "do it"}
	if needs != "" {
		step.Needs = strings.Split(needs, ",")
	}
	if strings.Contains(op, "!") {
		step.Share = []string{"room"}
	}
	if strings.Contains(op, "?") {
		step.Confirm = 10 * time.Second
	}
	if strings.Contains(op, "~") {
		step.Hold = 30 * time.Second
	}
	step.Op = strings.Trim(op, "!?~")
	if step.Op == "grow" {
		step.Reversal = actuators.Kept
	}
	step.Params, _ = json.Marshal(params{A: 10 * len(id), B: 20 * len(id), Size: 50, ID: i.ID, Host: "h1", Step: id})
	s.plan.Steps = append(s.plan.Steps, step)
	s.world.steps[id], s.world.alone[id] = step, l.Self
	if c := s.plan.Change(i); c == nil {
		s.addChange(l, i, step.Op)
	} else if step.Op == "drop" {
		c.Entry = nil
	}
}

func (s *stage) addChange(l *plan.Lane, i schema.Instance, op string) {
	l.Objects = append(l.Objects, i)
	c := &plan.Change{Instance: i, Lane: l.ID, Action: actuators.Update, Want: json.RawMessage(`{}`)}
	c.Entry = &inventory.Entry{Instance: i, Hash: "new", Spec: c.Want}
	if op != "make" {
		s.world.toys[i] = config{A: 1, B: 1, Size: 1}
		c.Have.Here = stateOf(s.world.toys[i])
		must(s.t, s.store.Change(journal.Update{Put: &inventory.Entry{Instance: i, Hash: "old", Spec: c.Want}}))
	}
	if op == "drop" {
		c.Entry = nil
	}
	s.plan.Changes = append(s.plan.Changes, c)
}

func (s *stage) addFault(text string) {
	step, what, _ := strings.Cut(text, ":")
	verb, fault, _ := strings.Cut(what, "-")
	if verb == "changed" {
		s.world.toys[schema.MakeID("toy", step[:2]).On("h1")] = config{A: 5}
		return
	}
	s.world.faults[verb+" "+step] = strings.ReplaceAll(fault, "-", " ")
}

// play runs the plan, resumes it when it was cut off, and gives the trace.
func (s *stage) play() string {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	in := s.world.input(s.store, s.plan, 0)
	abort := make(chan struct{})
	in.Abort = abort
	in.Reach = func(context.Context) func(context.Context) error {
		return func(context.Context) error {
			if s.world.fault("lost", "self") != "" {
				return errors.New("git does not answer any more")
			}
			return nil
		}
	}
	in.Progress = func(e run.Event) { s.events = append(s.events, e) }
	s.world.hook = func(ctx context.Context, fault string) {
		switch fault {
		case "stop":
			cancel()
		case "abort":
			close(abort)
			<-ctx.Done()
		case "veil", "veil always":
			s.world.mu.Lock()
			s.world.faults["look t1"] = fault
			s.world.mu.Unlock()
		case "die":
			s.world.mu.Lock()
			s.world.life.end = s.world.life.at + 3
			s.world.mu.Unlock()
		}
	}
	res, err := run.Run(ctx, in)
	trace := s.records("")
	if errors.Is(err, exec.ErrFenced) {
		return trace + " fenced"
	}
	if err != nil {
		must(s.t, s.store.Close())
		s.openStore()
		results, err := run.Resume(context.Background(), s.world.input(s.store, nil, 0))
		must(s.t, err)
		res = results[0]
		trace = s.records(trace + " / ")
	}
	s.result = res
	return trace + "; " + outcomes(res) + "; " + string(res.Verdict)
}

// records is the journal in words; what was there before stays before the mark.
func (s *stage) records(before string) string {
	records, err := s.store.Records(s.plan.ID)
	must(s.t, err)
	var words []string
	for _, r := range records {
		if r.Step != "" {
			words = append(words, r.Step+":"+string(r.State))
		}
	}
	all := strings.Join(words, " ")
	rest, ok := strings.CutPrefix(all, strings.TrimSuffix(before, " / "))
	if !ok || before == "" {
		return all
	}
	return before + strings.TrimSpace(rest)
}

func outcomes(res run.Result) string {
	var lanes []string
	for _, l := range res.Lanes {
		text := strconv.Itoa(l.Lane) + " " + string(l.Outcome)
		if l.Cause != "" && l.Cause != run.CauseError {
			text += " (" + string(l.Cause) + ")"
		}
		lanes = append(lanes, text)
	}
	return strings.Join(lanes, ", ")
}

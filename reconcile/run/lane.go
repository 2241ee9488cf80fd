package run

import (
	"errors"
	"fmt"
	"slices"

	"plumbline/reconcile/exec"
	"plumbline/reconcile/journal"
	"plumbline/reconcile/plan"
)

type phase int

// The phases of a lane; the picture is in the package comment.
const (
	waiting phase = iota
	checking
	running
	failing // waits for its steps to come home
	turning // waits for the journal to have its decision to go back
	undoing
	ended
)

type lane struct {
	plan.Lane
	tasks    []*task
	phase    phase
	waits    int     // lanes that must be applied before
	then     []*lane // lanes that need this one
	active   int     // steps under way
	checks   int     // first steps not yet asked
	decides  int     // steps not yet decided, after a crash
	open     int     // forward: steps not done; back: steps not taken back
	length   int     // steps one after another
	after    int     // and those of the lanes that need this one
	outcome  Outcome
	cause    Cause
	why      string // the failure, with its object
	measured bool
	needs    map[int]bool // the lanes of Needs
	failed   bool         // the decision to go back is in the journal
}

// begin starts a lane whose needs are there: its first steps are asked before anything is done.
func (r *runner) begin(l *lane) {
	if l.Held == "" {
		l.Held = r.in.May(l.Objects)
	}
	if l.Held != "" {
		l.why = l.Held
		r.end(l, LaneHeld)
		return
	}
	l.phase, l.open = checking, len(l.tasks)
	r.emit(Event{Type: LaneStarted, Lane: l.ID})
	for _, t := range l.tasks {
		if t.waits == 0 {
			l.checks++
			r.queue.push(check, t)
		}
	}
	r.advance(l)
}

// advance moves a lane on when a phase has come to its end.
func (r *runner) advance(l *lane) {
	switch {
	case l.phase == checking && l.checks == 0:
		l.phase = running
		for _, t := range l.tasks {
			if t.waits == 0 {
				r.queue.push(prepare, t)
			}
		}
		r.advance(l)
	case (l.phase == running || l.phase == failing) && l.open == 0:
		r.end(l, LaneApplied)
	case l.phase == failing && l.active == 0:
		r.turn(l)
	case l.phase == undoing && l.open == 0:
		r.end(l, LaneRolledBack)
	}
}

// fail stops a lane. Its jobs under way come home first.
func (r *runner) fail(l *lane, cause Cause, why string) {
	if l.phase >= failing {
		return
	}
	l.phase, l.cause, l.why = failing, cause, why
	r.replan = r.replan || cause == CauseChanged
	r.emit(Event{Type: LaneFailed, Lane: l.ID, Err: why})
	r.in.Log.Warn().Str("plan", r.plan.ID).Int("lane", l.ID).Str("cause", string(cause)).Str("err", why).Msg("lane failed")
	r.advance(l)
}

// classify tells a failure's cause. A host that does not answer is no fault of the effect as long as nothing was begun.
func (l *lane) classify(err error) Cause {
	switch {
	case errors.Is(err, errChanged):
		return CauseChanged
	case errors.Is(err, exec.ErrUnreachable) && l.active == 0 && !l.begun():
		return CauseUnreachable
	}
	return CauseError
}

// begun tells whether any step was. No job of the lane may be under way.
func (l *lane) begun() bool {
	return slices.ContainsFunc(l.tasks, func(t *task) bool { return t.state != "" })
}

// turn sends a lane back: every step that was begun is undone, each after those that came after it.
func (r *runner) turn(l *lane) {
	back := slices.DeleteFunc(slices.Clone(l.tasks), func(t *task) bool { return t.state != journal.Begun && t.state != journal.Done })
	begun := l.begun()
	switch {
	case !begun && l.cause == CauseStopped:
		r.end(l, LaneNotRun)
		return
	case !begun:
		r.end(l, LaneRolledBack)
		return
	}
	if l.failed {
		r.back(l, back)
		return
	}
	l.phase = turning
	r.under++
	r.write([]journal.Record{{Lane: l.ID, State: journal.Failed, Err: l.why, Cause: string(l.cause)}}, func() {
		l.failed = true
		r.under--
		r.back(l, back)
	})
}

// back begins the way back.
func (r *runner) back(l *lane, back []*task) {
	l.phase, l.open = undoing, len(back)
	r.chain(l, back)
	for _, t := range slices.Backward(back) {
		if t.blocks == 0 {
			r.queue.push(undo, t)
		}
	}
	r.advance(l)
}

// chain orders the way back: a step comes after all steps that needed it, after later steps of its instance, and after
// steps that wrote into one of its containers later, but for those that may go in any order (company). On the first two
// kinds the later step stands: if it is stuck, what is beneath it stays.
func (r *runner) chain(l *lane, back []*task) {
	slices.SortFunc(back, func(a, b *task) int { return a.order - b.order })
	f := &floor{runner: r, lane: l, steps: map[string]*task{}, gates: map[*gate]*task{}}
	lastOf := map[*object]*task{}
	inside := map[string]*layers{}
	for _, t := range back {
		for _, id := range t.Needs {
			stand(t, f.beneath(id))
		}
		stand(t, lastOf[t.object])
		for _, container := range t.Share {
			if inside[container] == nil {
				inside[container] = &layers{}
			}
			inside[container].add(t)
		}
		f.steps[t.ID], lastOf[t.object] = t, t
	}
	// A stuck step of an earlier run froze what is beneath it already.
	for _, t := range l.tasks {
		if t.state == journal.Stuck {
			f.freezeBeneath(t, lastOf[t.object])
		}
	}
}

// link lets a step go back after another one, or a gate.
func link(above, below *task) {
	below.blocks++
	above.beneath = append(above.beneath, below)
}

func stand(above, below *task) {
	if below != nil {
		link(above, below)
		above.floor = append(above.floor, below)
	}
}

// layers are the steps that wrote into one container: those that go in any order lie side by side, with a gate between them
// and the layer beneath.
type layers struct {
	key     string
	current []*task
	gate    *task // beneath the current layer; nil = nothing is beneath it
}

func (l *layers) add(t *task) {
	key, _ := company(undo, t)
	if len(l.current) > 0 && (key == "" || key != l.key) {
		l.gate = &task{gate: true}
		for _, below := range l.current {
			link(l.gate, below)
		}
		l.current = nil
	}
	l.key, l.current = key, append(l.current, t)
	if l.gate != nil {
		link(t, l.gate)
	}
}

// freezeBeneath leaves what a stuck step stands on: what it needs, and the earlier step of its object.
func (f *floor) freezeBeneath(stuck, earlier *task) {
	for _, id := range stuck.Needs {
		f.freeze(id, stuck)
	}
	if earlier != nil {
		earlier.under = stuck
	}
}

// end closes a lane and tells the lanes that need it.
func (r *runner) end(l *lane, outcome Outcome) {
	l.phase, l.outcome = ended, outcome
	if outcome == LaneApplied {
		l.cause, l.why = "", ""
	}
	r.openLanes--
	r.emit(Event{Type: LaneEnded, Lane: l.ID, Summary: string(outcome), Err: l.why})
	if r.resumed {
		return // nothing goes forward
	}
	spoilt := ""
	if outcome != LaneApplied {
		spoilt = fmt.Sprintf("it needs lane %d, which was %s: %s", l.ID, outcome, l.why)
	}
	for _, next := range l.then {
		r.goOn(next, spoilt)
	}
	if !l.Last {
		r.purges(spoilt)
	}
	r.nextTurn(l)
}

// goOn lets a lane begin when the last that it waited for is there, or says why it may not.
func (r *runner) goOn(next *lane, spoilt string) {
	switch {
	case next.phase != waiting:
	case spoilt != "":
		next.why = spoilt
		r.end(next, LaneBlocked)
	default:
		if next.waits--; next.waits == 0 {
			r.begin(next)
		}
	}
}

// purges lets the last lanes go on when all others have ended, and only if all of those went through.
func (r *runner) purges(spoilt string) {
	if r.earlier--; r.spoilt == "" {
		r.spoilt = spoilt
	}
	if r.earlier > 0 {
		return
	}
	for _, next := range r.last {
		r.goOn(next, r.spoilt)
	}
}

// fatal tells whether an error ends the whole run.
func fatal(err error) bool { return errors.Is(err, exec.ErrFenced) || errors.Is(err, errJournal) }

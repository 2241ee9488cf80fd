package run

import (
	"fmt"
	"time"

	"plumbline/reconcile/plan"
)

// gate is one of the plan: what many steps wait for together. In each lane that has steps on both sides of it a task without
// work stands for it; of another lane the whole lane is needed.
type gate struct {
	plan.Gate
	last   int               // number of the last step that it needs
	gates  []*gate           // that it needs
	inLane map[*lane][]*task // the steps that it needs
	stand  map[*lane]*task   // nil: nothing of the lane is before it
	until  time.Time         // the end of all holds
	known  bool              // that is: all is done that it needs
}

// addGate enters a gate, whose needs are known.
func (r *runner) addGate(p plan.Gate) error {
	if r.steps[p.ID] != nil || r.gates[p.ID] != nil {
		return fmt.Errorf("internal error: gate %s: it has no ID of its own", p.ID)
	}
	g := &gate{Gate: p, inLane: map[*lane][]*task{}, stand: map[*lane]*task{}}
	for _, id := range p.Needs {
		if need := r.steps[id]; need != nil {
			g.last = max(g.last, need.number)
			g.inLane[need.lane] = append(g.inLane[need.lane], need)
		} else if other := r.gates[id]; other != nil {
			g.last = max(g.last, other.last)
			g.gates = append(g.gates, other)
		} else {
			return fmt.Errorf("internal error: gate %s: it needs %s, which does not stand before it", p.ID, id)
		}
	}
	r.gates[p.ID] = g
	return nil
}

// pass lets a step, or a gate, wait for a gate.
func (t *task) pass(g *gate) {
	if before := g.in(t.lane); before != nil {
		t.await(before)
	}
}

// in is what stands for a gate in a lane; nil when nothing of that lane is before it. The lane then needs the others.
func (g *gate) in(l *lane) *task {
	if t, known := g.stand[l]; known {
		return t
	}
	t := &task{gate: true, lane: l}
	for other, steps := range g.inLane {
		if other != l {
			l.need(other.ID)
			continue
		}
		for _, need := range steps {
			t.await(need)
		}
	}
	for _, other := range g.gates {
		t.pass(other)
	}
	if t.waits == 0 {
		t = nil
	}
	g.stand[l] = t
	return t
}

// way is the longest way after a task, in steps. Those of later steps are known.
func (t *task) way() (longest int) {
	for _, next := range t.then {
		if next.gate && next.rank == 0 {
			next.rank = next.way()
		}
		longest = max(longest, next.rank)
	}
	return longest
}

// arrive tells a task that one is done that it waits for. A gate lets through those who wait for it.
func (r *runner) arrive(t *task) {
	if t.waits--; t.waits > 0 {
		return
	}
	if t.gate {
		for _, next := range t.then {
			r.arrive(next)
		}
	} else if t.lane.phase == running {
		r.queue.push(check, t)
	}
}

// held is the end of the holds of all that a gate needs. It is asked for when all of that is done.
func (g *gate) held() time.Time {
	if g.known {
		return g.until
	}
	for _, steps := range g.inLane {
		for _, t := range steps {
			g.until = later(g.until, t.held())
		}
	}
	for _, other := range g.gates {
		g.until = later(g.until, other.held())
	}
	g.known = true
	return g.until
}

// held is the end of the hold of a step that is done; zero when it has none.
func (t *task) held() (until time.Time) {
	if t.Hold > 0 {
		until = t.doneAt.Add(t.Hold)
	}
	return until
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// floor finds what a step of a lane that goes back stands on.
type floor struct {
	runner *runner
	lane   *lane
	steps  map[string]*task // that go back and were begun before
	gates  map[*gate]*task  // those with steps above and beneath
}

// beneath is what a need stands for among what goes back, or nil. It is asked by a step that goes back, so that a gate is made
// only for what stands above it.
func (f *floor) beneath(id string) *task {
	if g := f.runner.gates[id]; g != nil {
		return f.gate(g)
	}
	return f.steps[id]
}

func (f *floor) gate(g *gate) *task {
	if t, known := f.gates[g]; known {
		return t
	}
	t := &task{gate: true}
	f.gates[g] = nil
	for _, below := range g.inLane[f.lane] {
		stand(t, f.steps[below.ID])
	}
	for _, other := range g.gates {
		stand(t, f.gate(other))
	}
	if len(t.beneath) > 0 {
		f.gates[g] = t
	}
	return f.gates[g]
}

// freeze leaves what a need stands for as it is, under a step that is stuck.
func (f *floor) freeze(id string, stuck *task) {
	if g := f.runner.gates[id]; g != nil {
		for _, below := range g.Needs {
			f.freeze(below, stuck)
		}
	} else if below := f.steps[id]; below != nil {
		below.under = stuck
	}
}

// bury leaves a task as it is, under a step that is stuck; a gate leaves all beneath it, and once.
func (t *task) bury(stuck *task) {
	buried := t.under != nil
	t.under = stuck
	if t.gate && !buried {
		for _, below := range t.floor {
			below.bury(stuck)
		}
	}
}

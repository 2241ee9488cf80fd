package plan

import (
	"slices"

	"plumbline/actuators"
	"plumbline/schema"
)

// What the controller itself stands on changes last and alone:
//
//	turn 0       lanes that need nothing of it
//	turn 1, 3 …  a lane of it each, its steps one by one, each seen to leave the controller in reach before the next
//	turn 2, 4 …  lanes that need one of an earlier turn, and that a later one needs; after the last all others that do
//	             purges, after everything
//
// A turn begins when all earlier ones have ended, whatever came of them: what failed elsewhere keeps nobody from mending the path
// to Git. Only what a lane needs has to have gone through.

// alone tells whether a change is of what the controller stands on. A purge is not: what it takes was set aside before.
func alone(c *Change) bool { return c.Self && c.Action != actuators.Purge }

// joinMoves lets what the controller stands on share a lane with whom an exclusive fact goes to or comes from: the address of the Git
// server would be nobody's if only one half went through.
func joinMoves(w *web, group groups) {
	if !slices.ContainsFunc(w.changes, alone) {
		return
	}
	held := map[schema.Fact][]int{}
	for i, c := range w.changes {
		for _, use := range c.Released {
			if use.Exclusive {
				held[use.Fact] = append(held[use.Fact], i)
			}
		}
	}
	for i, c := range w.changes {
		for _, use := range c.Provides {
			for _, from := range held[use.Fact] {
				if use.Exclusive && c.Want != nil && (alone(c) || alone(w.changes[from])) && !slices.ContainsFunc([]*Change{c, w.changes[from]}, ground) {
					group.join(from, i)
				}
			}
		}
	}
}

func ground(c *Change) bool { return c.Ground || c.Action == actuators.Purge }

// takeTurns gives the lanes their turns, and the order of changes and gates by them.
func takeTurns(w *web, lanes []Lane, order []int) []int {
	if !slices.ContainsFunc(lanes, func(l Lane) bool { return l.Self }) {
		return order
	}
	turn(lanes)
	at := make([]int, w.vertices())
	for _, v := range order {
		if v < len(w.changes) {
			lane := lanes[w.changes[v].Lane-1]
			if at[v] = lane.Turn; lane.Last {
				at[v] = 2 * len(lanes)
			}
			continue
		}
		for _, from := range w.before[v] {
			at[v] = max(at[v], at[from])
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return at[a] - at[b] })
	w.single(lanes, order)
	return order
}

// turn deals out the turns.
func turn(lanes []Lane) {
	follows := make([]bool, len(lanes)+1)
	index := make([]int, len(lanes)+1) // of the lanes that the controller stands on, from 1
	sorted, count := inOrder(lanes), 0
	for _, l := range sorted {
		if l.Self {
			count++
			index[l.ID] = count
		}
		follows[l.ID] = slices.ContainsFunc(l.Needs, func(need int) bool { return follows[need] || lanes[need-1].Self })
	}
	before := make([]int, len(lanes)+1) // the first of these lanes that needs it, at whatever distance
	for i := range before {
		before[i] = count + 1
	}
	for _, l := range slices.Backward(sorted) {
		mine := before[l.ID]
		if l.Self {
			mine = index[l.ID]
		}
		for _, need := range l.Needs {
			before[need] = min(before[need], mine)
		}
		switch {
		case l.Last:
		case l.Self:
			l.Turn = 2*index[l.ID] - 1
		case follows[l.ID]:
			l.Turn = 2 * (before[l.ID] - 1)
		}
	}
}

// inOrder sorts lanes topologically, the first ready one by number.
func inOrder(lanes []Lane) []*Lane {
	out, waits := make([]*Lane, 0, len(lanes)), make([]int, len(lanes)+1)
	then := make([][]int, len(lanes)+1)
	var ready intHeap
	for _, l := range lanes {
		for _, need := range l.Needs {
			then[need] = append(then[need], l.ID)
		}
		if waits[l.ID] = len(l.Needs); waits[l.ID] == 0 {
			ready.push(l.ID)
		}
	}
	for len(ready) > 0 {
		id := ready.pop()
		out = append(out, &lanes[id-1])
		for _, next := range then[id] {
			if waits[next]--; waits[next] == 0 {
				ready.push(next)
			}
		}
	}
	return out
}

// single lets the changes of a lane that the controller stands on wait for each other, in order.
func (w *web) single(lanes []Lane, order []int) {
	last := map[int]int{}
	for _, v := range order {
		if v >= len(w.changes) || !lanes[w.changes[v].Lane-1].Self {
			continue
		}
		lane := w.changes[v].Lane
		if earlier, ok := last[lane]; ok {
			w.before[v] = unique(append(slices.Clone(w.before[v]), earlier))
		}
		last[lane] = v
	}
}

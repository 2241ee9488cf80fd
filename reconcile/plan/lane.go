package plan

import (
	"slices"

	"plumbline/actuators"
)

// lanes groups the changes that have to succeed together: the instances of one object, and whatever depends on each other,
// but shared ground, which is a lane of its own that others need. Lanes that would wait for each other are one. It writes
// each change's Lane.
func lanes(w *web, all []*Change, atomic bool) []Lane {
	group := newGroups(w.vertices())
	for i, c := range w.changes {
		if i > 0 && w.changes[i-1].Instance.ID == c.Instance.ID { // they are sorted
			group.join(i-1, i)
		}
	}
	if atomic {
		joinAll(w, group)
	}
	joins := w.joining()
	for v, froms := range w.before {
		for _, from := range froms {
			if joins.above[from] && joins.below[v] {
				group.join(from, v)
			}
		}
	}
	joinMoves(w, group)
	joinCircles(w, group)
	out := numbered(w, group)
	next := 0 // the first change with steps of the object at hand, or of a later one
	for _, c := range all {
		for next < len(w.changes) && w.changes[next].Instance.ID < c.Instance.ID {
			next++
		}
		c.Lane = 0
		if next < len(w.changes) && w.changes[next].Instance.ID == c.Instance.ID {
			c.Lane = out.of[group.find(next)]
		}
	}
	return out.lanes
}

// apart tells whether a change joins no other's lane: shared ground, what the controller stands on, and a purge, which nothing can
// take back.
func apart(c *Change) bool { return c.Ground || alone(c) || c.Action == actuators.Purge }

// joinAll makes one lane of everything that is no purge and nothing that the controller stands on.
func joinAll(w *web, group groups) {
	first := -1
	for i, c := range w.changes {
		switch {
		case c.Action == actuators.Purge, alone(c):
		case first < 0:
			first = i
		default:
			group.join(first, i)
		}
	}
}

// joining tells what joins lanes: a change that is not apart. A gate does with what is above it if such a change is
// above it, and with what is below it if one is below.
type joining struct{ above, below []bool }

func (w *web) joining() joining {
	j := joining{make([]bool, w.vertices()), make([]bool, w.vertices())}
	for i, c := range w.changes {
		j.above[i], j.below[i] = !apart(c), !apart(c)
	}
	for v := len(w.changes); v < w.vertices(); v++ {
		j.above[v] = slices.ContainsFunc(w.before[v], func(from int) bool { return j.above[from] })
	}
	users := w.users()
	for g := len(w.gates) - 1; g >= 0; g-- {
		v := len(w.changes) + g
		j.below[v] = slices.ContainsFunc(users[g], func(user int) bool { return j.below[user] })
	}
	return j
}

// joinCircles makes one lane of those that wait for each other: a network that comes on one host and goes on another,
// before and after what moves.
func joinCircles(w *web, group groups) {
	before := make([][]int, w.vertices())
	for to, froms := range w.before {
		for _, from := range froms {
			if a, b := group.find(from), group.find(to); a != b {
				before[b] = append(before[b], a)
			}
		}
	}
	first := map[int]int{}
	for i, component := range components(before) {
		if f, ok := first[component]; ok {
			group.join(f, i)
		} else {
			first[component] = i
		}
	}
}

// numbering is the lanes, in order of their first instance, and which group is which.
type numbering struct {
	lanes []Lane
	of    map[int]int // root of a group → lane
}

func numbered(w *web, group groups) numbering {
	out := numbering{of: map[int]int{}}
	for i, c := range w.changes {
		root := group.find(i)
		if out.of[root] == 0 {
			out.lanes = append(out.lanes, Lane{ID: len(out.lanes) + 1, Ground: true})
			out.of[root] = len(out.lanes)
		}
		lane := &out.lanes[out.of[root]-1]
		lane.Objects = append(lane.Objects, c.Instance)
		lane.Ground, lane.Last = lane.Ground && c.Ground, c.Action == actuators.Purge
		lane.Self = lane.Self || alone(c)
	}
	through := make([][]int, len(w.gates)) // the lanes before each gate
	for g := range through {
		through[g] = out.before(w, group, through, len(w.changes)+g)
	}
	needs := make([][]int, len(out.lanes))
	for i := range w.changes {
		mine := out.of[group.find(i)] - 1
		needs[mine] = append(needs[mine], out.before(w, group, through, i)...)
	}
	for i := range out.lanes {
		needed := unique(needs[i])
		out.lanes[i].Needs = slices.DeleteFunc(needed, func(lane int) bool { return lane == i+1 })
	}
	return out
}

// before lists the lanes of what a change or a gate waits for.
func (out numbering) before(w *web, group groups, through [][]int, v int) (lanes []int) {
	for _, from := range w.before[v] {
		if from >= len(w.changes) {
			lanes = append(lanes, through[from-len(w.changes)]...)
		} else {
			lanes = append(lanes, out.of[group.find(from)])
		}
	}
	return unique(lanes)
}

// groups is a union-find over dense integers; a root is its group's least member.
type groups []int

func newGroups(n int) groups {
	g := make(groups, n)
	for i := range g {
		g[i] = i
	}
	return g
}

func (g groups) find(i int) int {
	for g[i] != i {
		g[i] = g[g[i]]
		i = g[i]
	}
	return i
}

func (g groups) join(a, b int) {
	a, b = g.find(a), g.find(b)
	g[max(a, b)] = min(a, b)
}

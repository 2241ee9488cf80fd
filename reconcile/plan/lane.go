package plan

import "plumbline/schema"

// lanes groups the changes that have to succeed together: the instances of one object, and whatever depends on each other,
// but shared ground, which is a lane of its own that others need. Lanes that would wait for each other are one. It writes
// each change's Lane.
func lanes(w *web, all []*Change, atomic bool) []Lane {
	group := newGroups(len(w.changes))
	objects := make(map[schema.ID]int, len(w.changes))
	for i, c := range w.changes {
		if first, ok := objects[c.Instance.ID]; ok {
			group.join(first, i)
		} else {
			objects[c.Instance.ID] = i
		}
		for _, from := range w.before[i] {
			if !c.Ground && !w.changes[from].Ground {
				group.join(from, i)
			}
		}
		if atomic {
			group.join(0, i)
		}
	}
	joinCircles(w, group)
	out := numbered(w, group)
	for _, c := range all {
		c.Lane = 0
		if i, ok := objects[c.Instance.ID]; ok {
			c.Lane = out.of[group.find(i)]
		}
	}
	return out.lanes
}

// joinCircles makes one lane of those that wait for each other: a network that comes on one host and goes on another,
// before and after what moves.
func joinCircles(w *web, group groups) {
	before := make([][]int, len(w.changes))
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
		lane.Ground = lane.Ground && c.Ground
	}
	needs := make([][]int, len(out.lanes))
	for to, froms := range w.before {
		for _, from := range froms {
			if a, b := out.of[group.find(from)], out.of[group.find(to)]; a != b {
				needs[b-1] = append(needs[b-1], a)
			}
		}
	}
	for i := range out.lanes {
		out.lanes[i].Needs = unique(needs[i])
	}
	return out
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

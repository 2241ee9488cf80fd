package schema

import (
	"fmt"
	"slices"
	"strings"
)

// referenceCycles reports objects that refer to each other in a circle.
func (r *resolver) referenceCycles() {
	if acyclic(len(r.items), func(i int, waits func(int)) {
		for _, to := range r.items[i].edges {
			if to >= 0 {
				waits(int(to))
			}
		}
	}) {
		return
	}
	all := make([]int32, len(r.items))
	for i := range all {
		all[i] = int32(i)
	}
	next := func(i int32) []int32 {
		targets := slices.DeleteFunc(slices.Clone(r.items[i].edges), func(to int32) bool { return to < 0 })
		slices.Sort(targets)
		return targets
	}
	for _, cycle := range cycles(all, next) {
		ids := make([]ID, len(cycle))
		for n, i := range cycle {
			ids[n] = r.items[i].name()
			r.breaks(&r.items[i])
		}
		r.circle(ids[0], r.edgePath(ids[0], next1(ids)), "refers to itself: ", texts(ids))
	}
}

// nodeCycles reports instances that wait for each other, by references or by facts. Where all wait for what they waited for
// in a sound load before, none do.
func (r *resolver) nodeCycles() {
	if !r.moved && r.past.sound {
		return
	}
	waits := r.waiting()
	if acyclic(waits.vertices(), waits.each) {
		return
	}
	for _, cycle := range cycles(waits.nodes, waits.list) {
		nodes := waits.instances(cycle)
		first, second := nodes[0], next1(nodes)
		path := r.edgePath(first.ID, second.ID)
		if path == "" {
			path = r.needPath(first, second)
		}
		r.circle(first.ID, path, "waits for itself: ", texts(nodes))
	}
}

func (r *resolver) circle(id ID, path, text string, names []string) {
	r.wrong(id, path, text+pathText(names), "remove one of these references")
}

// next1 is the second element of a cycle, which may have only one.
func next1[T any](cycle []T) T { return cycle[1%len(cycle)] }

// edgePath is the field by which one object refers to another.
func (r *resolver) edgePath(from, to ID) string {
	for _, edge := range r.object(from).Edges {
		if edge.To == to {
			return edge.Path
		}
	}
	return ""
}

// needPath is the field by which one instance needs a fact of another.
func (r *resolver) needPath(from, to Instance) string {
	places := r.nodePlaces()
	for _, need := range r.sorted[places[from]].Needs {
		for _, provided := range r.sorted[places[to]].Provides {
			if provided.Fact == need.Fact {
				return need.Path
			}
		}
	}
	return ""
}

func texts[T any](items []T) []string {
	names := make([]string, len(items))
	for i, item := range items {
		names[i] = fmt.Sprint(item)
	}
	return names
}

// pathText draws a cycle, "a → b → a"; a long one is cut in the middle.
func pathText(names []string) string {
	const most = 7
	closed := append(slices.Clone(names), names[0])
	if cut := len(closed) - most - 1; cut > 0 {
		closed = slices.Concat(closed[:most-1], []string{fmt.Sprintf("… (%d more)", cut+1)}, closed[len(closed)-1:])
	}
	return strings.Join(closed, " → ")
}

// cycles finds cycles of a graph by a depth-first search, at least one in each part that has any, no two with a node in
// common. The search keeps its own stack, since chains may be as long as the topology.
func cycles[T comparable](all []T, next func(T) []T) [][]T {
	s := search[T]{next: next, state: map[T]int{}, told: map[T]bool{}}
	for _, start := range all {
		if s.state[start] == 0 {
			s.from(start)
		}
	}
	return s.found
}

type search[T comparable] struct {
	next  func(T) []T
	state map[T]int // 0 new, then one of the two below
	told  map[T]bool
	stack []frame[T]
	found [][]T
}

const (
	active = 1
	done   = 2
)

type frame[T comparable] struct {
	at   T
	rest []T
}

func (s *search[T]) from(start T) {
	s.enter(start)
	for len(s.stack) > 0 {
		top := &s.stack[len(s.stack)-1]
		if len(top.rest) == 0 {
			s.state[top.at] = done
			s.stack = s.stack[:len(s.stack)-1]
			continue
		}
		to := top.rest[0]
		top.rest = top.rest[1:]
		switch s.state[to] {
		case 0:
			s.enter(to)
		case active:
			s.close(to)
		}
	}
}

func (s *search[T]) enter(at T) {
	s.state[at] = active
	s.stack = append(s.stack, frame[T]{at, s.next(at)})
}

// close keeps the cycle from a node on the stack to its top, unless one of its nodes was in a cycle before.
func (s *search[T]) close(to T) {
	var cycle []T
	for i := len(s.stack) - 1; ; i-- {
		if s.told[s.stack[i].at] {
			return
		}
		cycle = append(cycle, s.stack[i].at)
		if s.stack[i].at == to {
			break
		}
	}
	slices.Reverse(cycle)
	for _, at := range cycle {
		s.told[at] = true
	}
	s.found = append(s.found, cycle)
}

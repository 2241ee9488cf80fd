package plan

import (
	"fmt"
	"slices"
	"strings"
)

// untie lets a change that waits for itself through a gate wait for the others only. Two of which that is true wait for each
// other, and stay tied.
func (w *web) untie(component []int) bool {
	untied := false
	for g, users := range w.users() {
		v := len(w.changes) + g
		users = slices.DeleteFunc(users, func(user int) bool { return component[user] != component[v] })
		if len(users) == 0 {
			continue
		}
		all := w.changesBefore(v)
		users = slices.DeleteFunc(users, func(user int) bool {
			_, itself := slices.BinarySearch(all, user)
			return !itself
		})
		if len(users) == 1 {
			w.replace(users[0], v, all)
			untied = true
		}
	}
	return untied
}

// soften drops the soft edges within circles and tells whether there were any.
func (w *web) soften(component []int) bool {
	dropped, parted := false, map[int][]int{} // what a gate no longer waits for
	for to := range w.before {
		w.before[to] = slices.DeleteFunc(w.before[to], func(from int) bool {
			gives := component[from] == component[to] && w.soft(from, to)
			dropped = dropped || gives
			if gives && to >= len(w.changes) {
				parted[to] = append(parted[to], from)
			}
			return gives
		})
	}
	if len(parted) > 0 {
		w.part(component, parted)
	}
	return dropped
}

// part keeps order between what a gate no longer waits for and those of its users that are in no circle with it: they wait for
// a second gate, too.
func (w *web) part(component []int, parted map[int][]int) {
	users, second := w.users(), map[int]int{}
	for g, users := range users {
		v := len(w.changes) + g
		before := parted[v]
		for _, from := range w.before[v] {
			if other, ok := second[from]; ok && component[from] == component[v] {
				before = append(before, other)
			}
		}
		if len(before) == 0 {
			continue
		}
		second[v] = w.vertices()
		w.gates = append(w.gates, gate{kind: unneeded, fact: w.gate(v).fact})
		w.before = append(w.before, unique(before))
		for _, user := range users {
			if component[user] != component[v] {
				w.before[user] = append(w.before[user], second[v])
			}
		}
	}
}

// circle names the shortest circle through the first change that is in one: "a waits for b, b waits for a".
func (w *web) circle(component []int) string {
	size := map[int]int{}
	for _, c := range component {
		size[c]++
	}
	s := &circling{web: w, back: map[int]int{}, first: map[int]int{}}
	s.start = slices.IndexFunc(component, func(c int) bool { return size[c] > 1 })
	s.search(component)
	parts := s.parts()
	if len(parts) > 6 {
		parts = append(parts[:5], fmt.Sprintf("… (%d more)", len(parts)-5))
	}
	return strings.Join(parts, ", ")
}

// circling is a search in breadth from a change to itself.
type circling struct {
	*web
	start int
	back  map[int]int // vertex → the one that waits for it, on the way from start
	first map[int]int // change → the gate by which start waits for it
}

func (s *circling) search(component []int) {
	queue := s.begin(component)
	for len(queue) > 0 {
		v := queue[0]
		queue = queue[1:]
		for _, from := range s.before[v] {
			if _, seen := s.back[from]; !seen && component[from] == component[s.start] {
				s.back[from] = v
				queue = append(queue, from)
			}
		}
	}
}

// begin lists the changes that start waits for, but itself: a gate that it stands on both sides of is no circle.
func (s *circling) begin(component []int) (queue []int) {
	enter := func(v, gate int) {
		if _, seen := s.back[v]; !seen && v != s.start && component[v] == component[s.start] {
			s.back[v], s.first[v] = s.start, gate
			queue = append(queue, v)
		}
	}
	for _, from := range s.before[s.start] {
		if from < len(s.changes) {
			enter(from, from)
			continue
		}
		for _, v := range s.changesBefore(from) {
			enter(v, from)
		}
	}
	return queue
}

// parts tells the circle, from start on.
func (s *circling) parts() (parts []string) {
	for v := s.start; len(parts) == 0 || v != s.start; {
		by, up := v, s.back[v]
		if up == s.start {
			by = s.first[v]
		}
		for ; up >= len(s.changes); up = s.back[up] {
			if by == v {
				by = up
			}
		}
		parts = append(parts, s.waits(up, v, by))
		v = up
	}
	slices.Reverse(parts)
	return parts
}

// waits tells why a change waits for another: for its own sake, or through a gate.
func (s *circling) waits(later, earlier, by int) string {
	text := fmt.Sprintf("%s waits for ", s.changes[later].Instance)
	if by < len(s.changes) {
		return text + s.changes[earlier].Instance.String()
	}
	switch gate := s.gate(by); gate.kind {
	case unneeded:
		return text + fmt.Sprintf("%s, which needed %s", s.changes[earlier].Instance, gate.fact)
	case released:
		return text + fmt.Sprintf("%s, which holds %s", s.changes[earlier].Instance, gate.fact)
	default:
		return text + fmt.Sprintf("%s of %s", gate.fact, s.changes[earlier].Instance)
	}
}

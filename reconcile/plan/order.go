package plan

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"plumbline/actuators"
)

// order sorts the changes topologically, the first ready one in order of instance. A circle gives way at its soft edges;
// without any it is refused.
func (w *web) order() ([]int, error) {
	for {
		order := w.sorted()
		if len(order) == len(w.changes) {
			return order, nil
		}
		component := components(w.before)
		if !w.soften(component) {
			return nil, fmt.Errorf("cannot order the plan: %s; take the change apart into two commits", w.circle(component))
		}
	}
}

// sorted is as much as can be ordered.
func (w *web) sorted() (order []int) {
	waits := make([]int, len(w.changes))
	then := make([][]int, len(w.changes))
	for to, froms := range w.before {
		waits[to] = len(froms)
		for _, from := range froms {
			then[from] = append(then[from], to)
		}
	}
	var ready intHeap
	for i, n := range waits {
		if n == 0 {
			ready.push(i)
		}
	}
	for len(ready) > 0 {
		i := ready.pop()
		order = append(order, i)
		for _, to := range then[i] {
			if waits[to]--; waits[to] == 0 {
				ready.push(to)
			}
		}
	}
	return order
}

// soften drops the soft edges within circles and tells whether there were any.
func (w *web) soften(component []int) bool {
	dropped := false
	for to := range w.before {
		w.before[to] = slices.DeleteFunc(w.before[to], func(from int) bool {
			gives := component[from] == component[to] && w.soft[link{from, to}]
			dropped = dropped || gives
			return gives
		})
	}
	return dropped
}

// circle names the shortest circle through the first change that is in one: "a waits for b, b waits for a".
func (w *web) circle(component []int) string {
	size := map[int]int{}
	for _, c := range component {
		size[c]++
	}
	start := slices.IndexFunc(component, func(c int) bool { return size[c] > 1 })
	back := map[int]int{} // change → the one that waits for it, on the way from start
	queue := []int{start}
	for len(queue) > 0 {
		i := queue[0]
		queue = queue[1:]
		for _, from := range w.before[i] {
			if _, seen := back[from]; !seen && component[from] == component[start] {
				back[from] = i
				queue = append(queue, from)
			}
		}
	}
	var parts []string
	for i := start; len(parts) == 0 || i != start; i = back[i] {
		parts = append(parts, fmt.Sprintf("%s waits for %s", w.changes[back[i]].Instance, w.changes[i].Instance))
	}
	slices.Reverse(parts)
	if len(parts) > 6 {
		parts = append(parts[:5], fmt.Sprintf("… (%d more)", len(parts)-5))
	}
	return strings.Join(parts, ", ")
}

// number gives the steps their IDs, needs, containers and lanes, in order.
func (p *Plan) number(w *web, order []int) {
	last := make([]string, len(w.changes)) // ID of a change's last step
	steps := 0
	for _, c := range w.changes {
		steps += len(c.Steps)
	}
	p.Steps = make([]actuators.Step, 0, steps)
	for _, i := range order {
		c := w.changes[i]
		name := c.Instance.String() + "#"
		var needs []string
		if n := len(w.before[i]); n > 0 {
			needs = make([]string, 0, n)
		}
		for _, from := range w.before[i] {
			needs = append(needs, last[from])
		}
		slices.Sort(needs)
		share := w.share(c)
		for n := range c.Steps {
			s := &c.Steps[n]
			s.ID = name + strconv.Itoa(n+1)
			s.Lane, s.Needs, s.Share = c.Lane, needs, share
			p.Steps = append(p.Steps, *s)
			needs, last[i] = []string{s.ID}, s.ID
		}
	}
}

// share is the containers that a change writes into: those it is leaving and those it goes to.
func (w *web) share(c *Change) []string {
	var old, all []string
	if entry := w.Inventory[c.Instance]; entry != nil {
		old = entry.Share
	}
	if c.Entry != nil {
		all = c.Entry.Share
	}
	if len(old)+len(all) == 0 {
		return nil
	}
	all = slices.Concat(all, old)
	slices.Sort(all)
	return slices.Compact(all)
}

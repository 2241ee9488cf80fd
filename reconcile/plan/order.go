package plan

import (
	"fmt"
	"slices"
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
	for _, i := range order {
		c := w.changes[i]
		var needs []string
		for _, from := range w.before[i] {
			needs = append(needs, last[from])
		}
		slices.Sort(needs)
		share := w.share(c)
		for n := range c.Steps {
			s := &c.Steps[n]
			s.ID = fmt.Sprintf("%s#%d", c.Instance, n+1)
			s.Lane, s.Needs, s.Share = c.Lane, needs, share
			p.Steps = append(p.Steps, *s)
			needs, last[i] = []string{s.ID}, s.ID
		}
	}
}

// share is the containers that a change writes into: those it is leaving and those it goes to.
func (w *web) share(c *Change) []string {
	var all []string
	if c.Entry != nil {
		all = append(all, c.Entry.Share...)
	}
	if entry := w.Inventory[c.Instance]; entry != nil {
		all = append(all, entry.Share...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// digest covers what is done to what, in order: never commit, time or approvals.
func (p *Plan) digest() {
	perLane := map[int][]actuators.Step{}
	for _, s := range p.Steps {
		perLane[s.Lane] = append(perLane[s.Lane], s)
	}
	for i := range p.Lanes {
		p.Lanes[i].EffectDigest = digest(perLane[p.Lanes[i].ID])
	}
	p.EffectDigest = digest(p.Steps)
}

package plan

import (
	"fmt"
	"slices"
	"strconv"

	"plumbline/actuators"
)

// order sorts the changes topologically, the first ready one in order of instance. A circle gives way at its soft edges;
// without any it is refused.
func (w *web) order() ([]int, error) {
	for {
		order := w.sorted()
		if len(order) == w.vertices() {
			return order, nil
		}
		component := components(w.before)
		if !w.untie(component) && !w.soften(component) {
			return nil, fmt.Errorf("cannot order the plan: %s; take the change apart into two commits", w.circle(component))
		}
	}
}

// sorted is as much as can be ordered. A gate opens as soon as it can, so that changes stand as they would without gates. No
// other change waits for a purge: those come last.
func (w *web) sorted() []int {
	waits, then := make([]int, w.vertices()), w.after()
	var ready intHeap
	var open []int // gates
	for v, before := range w.before {
		waits[v] = len(before)
		switch {
		case len(before) > 0:
		case v < len(w.changes):
			ready.push(w.late(v))
		default:
			open = append(open, v)
		}
	}
	order := make([]int, 0, w.vertices())
	for len(ready)+len(open) > 0 {
		var v int
		if last := len(open) - 1; last >= 0 {
			v, open = open[last], open[:last]
		} else {
			v = ready.pop() % w.vertices()
		}
		order = append(order, v)
		for _, to := range then.of(v) {
			switch waits[to]--; {
			case waits[to] > 0:
			case to < len(w.changes):
				ready.push(w.late(to))
			default:
				open = append(open, to)
			}
		}
	}
	return order
}

// late is the key by which a ready change is taken.
func (w *web) late(i int) int {
	if w.changes[i].Action == actuators.Purge {
		i += w.vertices()
	}
	return i
}

// rows are lists of integers that lie one behind the other.
type rows struct{ begin, all []int }

func (r rows) of(v int) []int { return r.all[r.begin[v]:r.begin[v+1]] }

// after is the reverse of before.
func (w *web) after() rows {
	r := rows{begin: make([]int, w.vertices()+1)}
	for _, froms := range w.before {
		for _, from := range froms {
			r.begin[from+1]++
		}
	}
	for v := range w.vertices() {
		r.begin[v+1] += r.begin[v]
	}
	at := slices.Clone(r.begin)
	r.all = make([]int, r.begin[w.vertices()])
	for to, froms := range w.before {
		for _, from := range froms {
			r.all[at[from]] = to
			at[from]++
		}
	}
	return r
}

// number gives the steps their IDs, needs, containers and lanes, and the gates theirs, in order.
func (p *Plan) number(w *web, order []int) {
	ids := make([]string, w.vertices()) // of a change's last step, or of a gate
	steps := 0
	for _, c := range w.changes {
		steps += len(c.Steps)
	}
	p.Steps = make([]actuators.Step, 0, steps)
	names := gateNames{}
	for _, v := range order {
		needs := w.needsOf(v, ids)
		if v >= len(w.changes) {
			if len(needs) > 0 {
				ids[v] = names.name(w.gate(v))
				p.Gates = append(p.Gates, Gate{ID: ids[v], Needs: needs})
			}
			continue
		}
		c := w.changes[v]
		name, share := c.Instance.String()+"#", w.share(c)
		for n := range c.Steps {
			s := &c.Steps[n]
			s.ID = name + strconv.Itoa(n+1)
			s.Lane, s.Needs, s.Share = c.Lane, needs, share
			p.Steps = append(p.Steps, *s)
			needs, ids[v] = []string{s.ID}, s.ID
		}
	}
}

// needsOf is the IDs of what a change or a gate waits for.
func (w *web) needsOf(v int, ids []string) []string {
	if len(w.before[v]) == 0 {
		return nil
	}
	needs := make([]string, 0, len(w.before[v]))
	for _, from := range w.before[v] {
		needs = append(needs, ids[from])
	}
	slices.Sort(needs)
	return needs
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

package plan

import (
	"slices"

	"plumbline/schema"
)

// web is the changes that have steps, with the edges between them, as dense integers: first the changes, then the gates.
// What has no steps, because it stays as it is or only the inventory follows, hands on what it needs.
type web struct {
	Input
	changes []*Change
	at      []int                   // of each node of the graph: its change, or -1
	others  map[schema.Instance]int // changes of what is not in the graph
	gates   []gate
	before  [][]int // before[v]: changes and gates that must be done before v, ascending
	edges   []link  // while connecting
}

// link says that from goes before to.
type link struct{ from, to int }

func newWeb(in Input, all []*Change) *web {
	w := &web{Input: in, changes: make([]*Change, 0, len(all)), at: make([]int, len(in.Want.Nodes)), others: map[schema.Instance]int{}}
	for i := range w.at {
		w.at[i] = -1
	}
	for _, c := range all {
		if len(c.Steps) == 0 {
			continue
		}
		if place, ok := w.Want.Place(c.Instance); ok {
			w.at[place] = len(w.changes)
		} else {
			w.others[c.Instance] = len(w.changes)
		}
		w.changes = append(w.changes, c)
	}
	w.connectNeeds()
	w.connectRemovals(all)
	w.connectMoves()
	w.connectPurges()
	w.settle()
	return w
}

// index finds the change of an instance.
func (w *web) index(i schema.Instance) (change int, ok bool) {
	if place, declared := w.Want.Place(i); declared {
		return w.at[place], w.at[place] >= 0
	}
	change, ok = w.others[i]
	return change, ok
}

func (w *web) vertices() int { return len(w.changes) + len(w.gates) }

// soft tells whether an edge gives way when it closes a circle: an update that goes before a removal may itself wait for what
// the removal releases.
func (w *web) soft(from, to int) bool {
	if from >= len(w.changes) || w.changes[from].Want == nil {
		return false
	}
	if to >= len(w.changes) {
		return w.gate(to).kind == unneeded
	}
	return w.changes[to].Want == nil
}

// add puts all of a list before a change or a gate.
func (w *web) add(to int, from []int) {
	for _, f := range from {
		if f != to {
			w.edges = append(w.edges, link{f, to})
		}
	}
}

// settle turns the edges into sorted lists without doubles. They are dealt out by where they lead, so that only the few of
// one are sorted.
func (w *web) settle() {
	ends := make([]int, w.vertices()+1)
	for _, e := range w.edges {
		ends[e.to+1]++
	}
	for v := range w.vertices() {
		ends[v+1] += ends[v]
	}
	at, froms := slices.Clone(ends), make([]int, len(w.edges))
	for _, e := range w.edges {
		froms[at[e.to]] = e.from
		at[e.to]++
	}
	w.before = make([][]int, w.vertices())
	for v := range w.before {
		mine := unique(froms[ends[v]:ends[v+1]])
		w.before[v] = mine[:len(mine):len(mine)]
	}
	w.edges = nil
}

func unique(list []int) []int {
	slices.Sort(list)
	return slices.Compact(list)
}

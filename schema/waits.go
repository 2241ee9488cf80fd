package schema

import (
	"slices"
	"strings"
)

// waits is what waits for what, over dense integers: nodes by their places, and after them the facts that some need, which
// wait for all their providers.
type waits struct {
	sorted []*Node
	nodes  []int // all their places
	index  map[Instance]int32
	facts  *factIndex
}

func (r *resolver) waiting() *waits {
	w := &waits{sorted: r.sorted, facts: r.facts, index: r.nodePlaces(), nodes: make([]int, len(r.sorted))}
	for i := range w.nodes {
		w.nodes[i] = i
	}
	return w
}

func (w *waits) vertices() int { return len(w.sorted) + len(w.facts.number) }

// each calls back with what a vertex waits for. Of a fact that its own object provides a node waits for the others only;
// two objects of which that is true wait for each other.
func (w *waits) each(i int, waits func(on int)) {
	if i >= len(w.sorted) {
		for _, p := range w.facts.list(int32(i - len(w.sorted))) {
			waits(int(p))
		}
		return
	}
	node := w.sorted[i]
	for _, need := range node.After {
		if to, known := w.index[need]; known {
			waits(int(to))
		}
	}
	for _, need := range node.Needs {
		if providers := w.facts.of(need.Fact); w.provides(providers, node.ID) {
			for _, p := range providers {
				if w.sorted[p].ID != node.ID {
					waits(int(p))
				}
			}
		} else if len(providers) > 0 {
			waits(len(w.sorted) + int(w.facts.number[need.Fact]))
		}
	}
}

// provides tells whether an object is among providers.
func (w *waits) provides(providers []int32, id ID) bool {
	_, own := slices.BinarySearchFunc(providers, id, func(p int32, id ID) int { return strings.Compare(string(w.sorted[p].ID), string(id)) })
	return own
}

func (w *waits) list(i int) (on []int) {
	w.each(i, func(to int) { on = append(on, to) })
	return on
}

// instances are the nodes of a circle, without the facts between them.
func (w *waits) instances(circle []int) (out []Instance) {
	for _, i := range circle {
		if i < len(w.sorted) {
			out = append(out, w.sorted[i].Instance)
		}
	}
	return out
}

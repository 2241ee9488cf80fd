package plan

import (
	"slices"
	"strings"

	"plumbline/schema"
)

// needs finds what changes stand for what is needed.
type needs struct {
	*web
	near  map[int32][]int       // by the places of nodes without steps
	facts map[schema.Fact][]int // of the facts that several provide
	list  []int                 // scratch
}

// connectNeeds puts what is needed before what needs it.
func (w *web) connectNeeds() {
	n := &needs{web: w, near: map[int32][]int{}, facts: map[schema.Fact][]int{}}
	for i, c := range w.changes {
		if c.Want == nil {
			continue
		}
		list := n.list[:0]
		for _, need := range c.After {
			list = n.instance(list, need)
		}
		for _, fact := range c.Needs {
			list = n.fact(list, c.Instance.ID, fact)
		}
		w.add(i, list)
		n.list = list
	}
}

// instance adds what a needed instance stands for.
func (n *needs) instance(list []int, i schema.Instance) []int {
	if place, declared := n.Want.Place(i); declared {
		return n.node(list, place)
	}
	if change, ok := n.others[i]; ok {
		list = append(list, change)
	}
	return list
}

// node adds what a needed node stands for: itself when it has steps, otherwise what it needs, so that order holds across what
// stays as it is.
func (n *needs) node(list []int, place int32) []int {
	if change := n.at[place]; change >= 0 {
		return append(list, change)
	}
	near, known := n.near[place]
	if !known {
		n.near[place] = nil // the loader refuses circles; this keeps a broken graph from looping
		node := n.Want.Nodes[place]
		for _, need := range node.After {
			near = n.instance(near, need)
		}
		for _, need := range node.Needs {
			near = n.fact(near, node.ID, need.Fact)
		}
		near = unique(near)
		n.near[place] = near
	}
	return append(list, near...)
}

// fact adds what the providers of a fact stand for, but those of the object that needs it.
func (n *needs) fact(list []int, id schema.ID, fact schema.Fact) []int {
	providers := n.Want.Providers(fact)
	if own := n.provides(providers, id); own || len(providers) == 1 {
		for _, place := range providers {
			if n.Want.Nodes[place].ID != id {
				list = n.node(list, place)
			}
		}
		return list
	}
	all, known := n.facts[fact]
	if !known {
		n.facts[fact] = nil
		for _, place := range providers {
			all = n.node(all, place)
		}
		all = n.through(provided, fact, unique(all))
		n.facts[fact] = all
	}
	return append(list, all...)
}

func (n *needs) provides(providers []int32, id schema.ID) bool {
	_, own := slices.BinarySearchFunc(providers, id, func(place int32, id schema.ID) int {
		return strings.Compare(string(n.Want.Nodes[place].ID), string(id))
	})
	return own
}

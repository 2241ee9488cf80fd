package schema

import (
	"encoding/binary"
	"slices"
	"strings"
)

// fewProviders is how many providers of a fact are written out for each who needs it.
const fewProviders = 8

// lists are what nodes wait for: those who need what many provide and otherwise wait for the same share one list, so that
// n of them and m providers cost n + m, in time and memory. A list is not changed once it is made.
type lists struct {
	made   map[string][]Instance // by all that decides what is in them
	shared map[*Instance]int     // the same by their first element, numbered
	direct []Instance            // scratch
	many   []Fact                // scratch
	key    []byte                // scratch
}

func newLists() *lists { return &lists{made: map[string][]Instance{}, shared: map[*Instance]int{}} }

// order gives every node what must be there before it: the instances that its object refers to, its host, and all
// providers of each fact that it needs. A node that an earlier load gave out is not changed.
func (r *resolver) order() {
	providers := r.providers()
	for i, node := range r.nodes() {
		after := r.after(node, providers)
		if len(after) == len(node.After) && sameList(after, node.After) {
			continue
		}
		r.moved = true
		if r.past.gave(node) {
			other := *node
			node = &other
			r.sorted[i], r.instances[node.Instance] = node, node
		}
		node.After = r.kept(after)
	}
	r.present.give(r.sorted, r.lists)
}

// after is what a node waits for, sorted: in the scratch of lists, or a list of its own if it is long.
func (r *resolver) after(node *Node, providers map[Fact][]use) []Instance {
	direct, many := r.afterHost(node, r.afterEdges(node, r.lists.direct[:0])), r.lists.many[:0]
	for _, need := range node.Needs {
		found := providers[need.Fact]
		switch {
		case len(found) == 0:
			r.unprovided(node, need, providers)
		case len(found) > fewProviders:
			many = append(many, need.Fact)
		default:
			direct = appendOthers(direct, found, node.ID)
		}
	}
	r.lists.direct, r.lists.many = direct, many
	slices.SortFunc(direct, Instance.Compare)
	direct = slices.Compact(direct)
	if len(many) == 0 {
		return direct
	}
	return r.list(node, direct, many, providers)
}

// kept is a list that may stay: what is in the scratch is copied.
func (r *resolver) kept(after []Instance) []Instance {
	if len(after) == 0 {
		return nil
	}
	if _, made := r.lists.shared[&after[0]]; made {
		return after
	}
	return slices.Clone(after)
}

// list is the list of those who wait for certain instances and for all providers of certain facts.
func (r *resolver) list(node *Node, direct []Instance, many []Fact, providers map[Fact][]use) []Instance {
	key := binary.AppendUvarint(r.lists.key[:0], uint64(len(direct)))
	for _, i := range direct {
		key = appendText(appendText(key, string(i.ID)), i.Host)
	}
	total := len(direct)
	for _, fact := range many {
		key = appendText(appendText(appendText(key, fact.Type), fact.Scope), fact.Value)
		total += len(providers[fact])
		own := ID("")
		if provides(providers[fact], node.ID) {
			own = node.ID
		}
		key = appendText(key, string(own))
	}
	r.lists.key = key
	if made, known := r.lists.made[string(key)]; known {
		return made
	}
	made := append(make([]Instance, 0, total), direct...)
	for _, fact := range many {
		made = appendOthers(made, providers[fact], node.ID)
	}
	slices.SortFunc(made, Instance.Compare)
	made = slices.Clip(slices.Compact(made))
	if before := r.past.lists.made[string(key)]; slices.Equal(before, made) {
		made = before
	}
	r.lists.made[string(key)] = made
	if len(made) > 0 {
		r.lists.shared[&made[0]] = len(r.lists.shared)
	}
	return made
}

// provides tells whether an object is among the providers of a fact, which are sorted.
func provides(found []use, id ID) bool {
	_, own := slices.BinarySearchFunc(found, id, func(u use, id ID) int { return strings.Compare(string(u.node.ID), string(id)) })
	return own
}

// appendOthers adds the providers of a fact that are not of an object itself.
func appendOthers(after []Instance, found []use, id ID) []Instance {
	for _, p := range found {
		if p.node.ID != id {
			after = append(after, p.node.Instance)
		}
	}
	return after
}

// sameList tells whether two lists of one length are equal; one and the same is not read.
func sameList(a, b []Instance) bool {
	return len(a) == 0 || &a[0] == &b[0] || slices.Equal(a, b)
}

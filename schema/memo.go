package schema

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"sync"
)

// memo is what the kinds said of the objects of the load before. What they say is a function of what they are given, so
// an object that is declared as before is not read again, and an instance not resolved again unless what its kind asked
// about other objects has another answer now. A memo is not changed once a load has ended.
type memo struct {
	kinds    Kinds
	all      []remembered // sorted by ID
	index    map[ID]int32 // their places
	audits   map[string]*audited
	sorted   []*Node // all instances
	places   map[Instance]int32
	facts    *factIndex
	ranges   []Range
	external []External
	sound    bool // the load found nothing wrong
}

// remembered is one object.
type remembered struct {
	id       ID
	declared json.RawMessage
	object   *Object // as the graph got it; nil if it could not be read
	home     ID
	own      placement        // if it lives on hosts
	nodes    []rememberedNode // of each host
}

// rememberedNode is one instance as the graph got it, and what its kind was told when it was resolved.
type rememberedNode struct {
	node   *Node
	told   []answer
	ranges []Range
}

// answer is one of a Lookup.
type answer struct {
	id     ID
	object *Object // nil: there is none
}

func newMemo(kinds Kinds) *memo {
	return &memo{kinds: kinds, audits: map[string]*audited{}, facts: indexFacts(nil)}
}

// of is the memo, if it is about the same kinds, or an empty one.
func (m *memo) of(kinds Kinds) *memo {
	if m == nil || !same(m.kinds, kinds) {
		return newMemo(kinds)
	}
	return m
}

// same tells whether two sets of kinds are one and the same; where that cannot be told they are not.
func same(a, b Kinds) bool {
	x, y := reflect.ValueOf(a), reflect.ValueOf(b)
	if !x.IsValid() || !y.IsValid() || x.Type() != y.Type() {
		return false
	}
	switch x.Kind() {
	case reflect.Pointer, reflect.Map:
		return x.Pointer() == y.Pointer()
	}
	return false
}

// recall finds what the load before knew of each item.
func (r *resolver) recall() {
	past, now := r.past.all, make([]remembered, len(r.items))
	same, at := len(past) == len(now), 0
	for i := range r.items {
		it := &r.items[i]
		now[i].id, now[i].declared = it.name(), it.Spec
		it.seen = &now[i]
		for at < len(past) && past[at].id < it.name() {
			at++
		}
		if at < len(past) && past[at].id == it.name() {
			it.before = &past[at]
			it.unchanged = it.before.object != nil && bytes.Equal(it.before.declared, it.Spec)
		}
		same = same && it.before != nil
	}
	r.present.all, r.index = now, r.past.index
	if !same {
		r.index = make(map[ID]int32, len(now))
		for i := range now {
			r.index[now[i].id] = int32(i)
		}
	}
}

// remember keeps what the next load wants to know.
func (r *resolver) remember() {
	m := r.present
	m.index, m.sorted, m.facts, m.ranges, m.external = r.index, r.sorted, r.facts, r.ranges, r.external
	if m.sound = !r.findings.any(); m.sound {
		m.places = r.nodePlaces()
	}
}

// on is the instance on a host, or nil.
func (seen *remembered) on(host string) *rememberedNode {
	for i := range seen.nodes {
		if seen.nodes[i].node.Host == host {
			return &seen.nodes[i]
		}
	}
	return nil
}

// of is the instance of an object that differs in its position only, if at all.
func (n rememberedNode) of(object *Object) rememberedNode {
	if n.node.Object != object {
		other := *n.node
		other.Object = object
		n.node = &other
	}
	return n
}

// stale tells whether a kind would now be told something else when it resolves an instance.
func (r *resolver) stale(n rememberedNode) bool { return slices.ContainsFunc(n.told, r.otherwise) }

// otherwise tells whether a Lookup would now give another answer.
func (r *resolver) otherwise(a answer) bool {
	switch now := r.object(a.id); {
	case now == a.object:
		return false
	case now == nil || a.object == nil:
		return true
	default:
		return !bytes.Equal(now.Spec, a.object.Spec) || !slices.Equal(now.Hosts, a.object.Hosts)
	}
}

// noting is a Lookup that keeps what it said, if another load is to come.
func (r *resolver) noting(told *[]answer) Lookup {
	return func(id ID) (json.RawMessage, []string, bool) {
		if !r.once {
			*told = append(*told, answer{id, r.object(id)})
		}
		return r.look(id)
	}
}

// given is the node of an instance that the load before gave, or nil. It stood at the same place, or near it.
func (m *memo) given(i Instance, place int) *Node {
	if place < len(m.sorted) && m.sorted[place].Instance == i {
		return m.sorted[place]
	}
	at, found := slices.BinarySearchFunc(m.sorted, i, func(n *Node, i Instance) int { return n.Instance.Compare(i) })
	if !found {
		return nil
	}
	return m.sorted[at]
}

// inParallel does pure work on all places, on all processors when there are many.
func inParallel[R any](n int, work func(i int) R) []R {
	const few = 256
	out := make([]R, n)
	var group sync.WaitGroup
	for from := 0; from < n; from += few {
		part := func() {
			for i := from; i < min(from+few, n); i++ {
				out[i] = work(i)
			}
		}
		if n <= few {
			part()
		} else {
			group.Go(part)
		}
	}
	group.Wait()
	return out
}

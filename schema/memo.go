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
	kinds   Kinds
	objects map[ID]*remembered
	audits  map[string]*audited
	sound   bool // the load found nothing wrong
}

// remembered is one object.
type remembered struct {
	declared json.RawMessage
	object   Object // without position and hosts
	outline  Outline
	own      placement // if it lives on hosts
	nodes    []*rememberedNode

	given *Object // what the graph got: with these
	gave  []*Node // one for each host
}

// rememberedNode is one instance, and what its kind was told when it was resolved.
type rememberedNode struct {
	host  string
	hosts []string
	told  []answer
	spec  json.RawMessage
	hash  string
	facts Facts
}

// answer is one of a Lookup.
type answer struct {
	id    ID
	spec  json.RawMessage
	hosts []string
	ok    bool
}

func newMemo(kinds Kinds) *memo {
	return &memo{kinds: kinds, objects: map[ID]*remembered{}, audits: map[string]*audited{}}
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

// object is what is known of an object that is declared like this, or nil.
func (m *memo) object(d Declaration) *remembered {
	if known := m.objects[d.ID]; known != nil && bytes.Equal(known.declared, d.Spec) {
		return known
	}
	return nil
}

// node is what is known of an instance if nothing that it depends on has changed, or nil.
func (m *memo) node(now *remembered, host string, hosts []string, look Lookup) *rememberedNode {
	known := m.objects[now.object.ID]
	if known == nil || !bytes.Equal(known.declared, now.declared) {
		return nil
	}
	for _, n := range known.nodes {
		if n.host == host && slices.Equal(n.hosts, hosts) && !slices.ContainsFunc(n.told, func(a answer) bool { return a.stale(look) }) {
			return n
		}
	}
	return nil
}

func (a answer) stale(look Lookup) bool {
	spec, hosts, ok := look(a.id)
	return ok != a.ok || !bytes.Equal(spec, a.spec) || !slices.Equal(hosts, a.hosts)
}

// same is the object that the load before gave, if it is as this one: who compares two graphs then sees that at once.
func (m *memo) same(now *remembered, object *Object) *Object {
	known := m.objects[object.ID]
	if known == nil || known.given == nil || !bytes.Equal(known.declared, now.declared) {
		return object
	}
	if known.given.Pos != object.Pos || !slices.Equal(known.given.Hosts, object.Hosts) {
		return object
	}
	return known.given
}

// given is the instance that the load before gave, or nil.
func (m *memo) given(i Instance) *Node {
	if known := m.objects[i.ID]; known != nil {
		for _, node := range known.gave {
			if node.Host == i.Host {
				return node
			}
		}
	}
	return nil
}

// gave tells whether a node belongs to the load before, too.
func (m *memo) gave(node *Node) bool { return m.given(node.Instance) == node }

// give notes what the graph gets.
func (m *memo) give(nodes []*Node) {
	for _, node := range nodes {
		object := m.objects[node.ID]
		object.gave = append(object.gave, node)
	}
}

// noting is a Lookup that keeps what it said.
func noting(look Lookup, told *[]answer) Lookup {
	return func(id ID) (json.RawMessage, []string, bool) {
		spec, hosts, ok := look(id)
		*told = append(*told, answer{id, spec, hosts, ok})
		return spec, hosts, ok
	}
}

// inParallel does pure work on all items, on all processors when there are many.
func inParallel[T, R any](items []T, work func(T) R) []R {
	const few = 256
	out := make([]R, len(items))
	var group sync.WaitGroup
	for from := 0; from < len(items); from += few {
		part := func() {
			for i := from; i < min(from+few, len(items)); i++ {
				out[i] = work(items[i])
			}
		}
		if len(items) <= few {
			part()
		} else {
			group.Go(part)
		}
	}
	group.Wait()
	return out
}

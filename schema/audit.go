package schema

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// audited is what a kind said of all of its instances together, and what it was told for it.
type audited struct {
	all      []*Node
	told     []answer
	problems []Problem
}

// audit lets each kind judge all of its instances together, unless it did so before and nothing of it has changed.
func (r *resolver) audit() {
	for rest := r.sorted; len(rest) > 0; {
		name, end := rest[0].ID.Kind(), 1
		prefix := name + "/"
		for end < len(rest) && strings.HasPrefix(string(rest[end].ID), prefix) {
			end++
		}
		all := rest[:end:end]
		rest = rest[end:]
		kind, ok := r.kinds.Info(name)
		if !ok {
			continue
		}
		now := r.past.audits[name]
		if now == nil || !slices.EqualFunc(now.all, all, sameSpec) || slices.ContainsFunc(now.told, r.otherwise) {
			now = &audited{}
			now.problems = kind.Audit(declared(all), once(r.noting(&now.told)))
		}
		r.present.audits[name] = &audited{all, now.told, now.problems}
		r.report(now.problems...)
	}
}

func sameSpec(a, b *Node) bool {
	return a == b || a.Instance == b.Instance && bytes.Equal(a.Spec, b.Spec)
}

func declared(nodes []*Node) []Declared {
	all := make([]Declared, len(nodes))
	for i, node := range nodes {
		all[i] = Declared{Instance: node.Instance, Spec: node.Spec}
	}
	return all
}

// once is a Lookup that asks another one about each object once.
func once(look Lookup) Lookup {
	type said struct {
		spec  json.RawMessage
		hosts []string
		ok    bool
	}
	all := map[ID]said{}
	return func(id ID) (json.RawMessage, []string, bool) {
		known, asked := all[id]
		if !asked {
			known.spec, known.hosts, known.ok = look(id)
			all[id] = known
		}
		return known.spec, known.hosts, known.ok
	}
}

package schema

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
)

// audited is what a kind said of all of its instances together, and what it was told for it.
type audited struct {
	all      []Declared
	told     []answer
	problems []Problem
}

// audit lets each kind judge all of its instances together, unless it did so before and nothing of it has changed.
func (r *resolver) audit() {
	all := map[string][]Declared{}
	for _, node := range r.nodes() {
		all[node.ID.Kind()] = append(all[node.ID.Kind()], Declared{Instance: node.Instance, Spec: node.Spec})
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		kind, ok := r.kinds.Info(name)
		if !ok {
			continue
		}
		now := r.past.audits[name]
		if now == nil || now.stale(all[name], r.look) {
			now = &audited{all: all[name]}
			now.problems = kind.Audit(all[name], once(noting(r.look, &now.told)))
		}
		r.present.audits[name] = now
		r.report(now.problems...)
	}
}

func (a *audited) stale(all []Declared, look Lookup) bool {
	return !slices.EqualFunc(a.all, all, func(x, y Declared) bool { return x.Instance == y.Instance && bytes.Equal(x.Spec, y.Spec) }) ||
		slices.ContainsFunc(a.told, func(told answer) bool { return told.stale(look) })
}

// once is a Lookup that asks another one about each object once.
func once(look Lookup) Lookup {
	said := map[ID]answer{}
	return func(id ID) (json.RawMessage, []string, bool) {
		known, asked := said[id]
		if !asked {
			known.spec, known.hosts, known.ok = look(id)
			said[id] = known
		}
		return known.spec, known.hosts, known.ok
	}
}

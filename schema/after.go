package schema

import "slices"

// order gives every node what it refers to and its host. What it needs by fact stays a fact: who provides it stands once, in
// the index of the facts, so that many who need what many provide cost the sum of both and not the product. A node that an
// earlier load gave out is not changed.
func (r *resolver) order() {
	same := r.factsAsBefore()
	if same {
		r.facts, r.external, r.places = r.past.facts, r.past.external, r.past.places
	} else {
		r.checkExclusive()
		r.facts = indexFacts(r.sorted)
		r.checkProvided()
	}
	r.moved = !same
	var after []Instance // scratch
	for i := range r.items {
		it := &r.items[i]
		for n, node := range r.instances(it) {
			place := int(it.first) + n
			before := r.past.given(node.Instance, place)
			after = r.afterHost(node, r.afterEdges(it, node, after[:0]))
			slices.SortFunc(after, Instance.Compare)
			after = slices.Compact(after)
			r.moved = r.moved || !slices.Equal(before.After, after)
			if slices.Equal(after, node.After) {
				continue
			}
			if node == before {
				other := *node
				node = &other
				r.replace(it, place, node)
			}
			node.After = slices.Clone(after)
		}
	}
}

// factsAsBefore tells whether a sound load before had the same instances, which provided and needed the same.
func (r *resolver) factsAsBefore() bool {
	return r.past.sound && !r.partial && r.broken == 0 && slices.Equal(r.ranges, r.past.ranges) &&
		slices.EqualFunc(r.sorted, r.past.sorted, func(a, b *Node) bool {
			return a == b || a.Instance == b.Instance && slices.Equal(a.Needs, b.Needs) && slices.Equal(a.Provides, b.Provides)
		})
}

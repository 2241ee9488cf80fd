package schema

import "slices"

// order gives every node what it refers to and its host. What it needs by fact stays a fact: who provides it stands once, in
// the index of the facts, so that many who need what many provide cost the sum of both and not the product. A node that an
// earlier load gave out is not changed.
func (r *resolver) order() {
	r.checkExclusive()
	r.facts = indexFacts(r.nodes())
	var after []Instance // scratch
	for i, node := range r.nodes() {
		for _, need := range node.Needs {
			if len(r.facts.of(need.Fact)) == 0 {
				r.unprovided(node, need)
			}
		}
		after = r.afterHost(node, r.afterEdges(node, after[:0]))
		slices.SortFunc(after, Instance.Compare)
		after = slices.Compact(after)
		r.moved = r.moved || !r.waitsAsBefore(node, after)
		if slices.Equal(after, node.After) {
			continue
		}
		if r.past.gave(node) {
			other := *node
			node = &other
			r.sorted[i], r.instances[node.Instance] = node, node
		}
		node.After = slices.Clone(after)
	}
	r.present.give(r.sorted)
}

// waitsAsBefore tells whether a node waits for what it waited for in the load before, and others for it.
func (r *resolver) waitsAsBefore(node *Node, after []Instance) bool {
	before := r.past.given(node.Instance)
	return before != nil && slices.Equal(before.After, after) &&
		(before == node || slices.Equal(before.Needs, node.Needs) && slices.Equal(before.Provides, node.Provides))
}

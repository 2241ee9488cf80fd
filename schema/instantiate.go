package schema

import "slices"

var onController = []string{""}

// places lists the hosts of an object's instances.
func (o *Object) places() []string {
	if len(o.Hosts) == 0 {
		return onController
	}
	return o.Hosts
}

// instantiate resolves every instance of an object and asks for its facts, or remembers. It changes nothing but the item, so
// that many objects can be resolved at once.
func (r *resolver) instantiate(i int) (refused []Problem) {
	it := &r.items[i]
	if it.broken {
		return nil
	}
	known := it.unchanged && slices.Equal(it.before.object.Hosts, it.object.Hosts)
	if known && it.before.object == it.object && len(it.before.nodes) == len(it.object.places()) && !slices.ContainsFunc(it.before.nodes, r.stale) {
		it.seen.nodes = it.before.nodes
		return nil
	}
	it.seen.nodes = make([]rememberedNode, 0, len(it.object.places()))
	for _, host := range it.object.places() {
		var before *rememberedNode
		if it.before != nil {
			before = it.before.on(host)
		}
		if known && before != nil && !r.stale(*before) {
			it.seen.nodes = append(it.seen.nodes, before.of(it.object))
			continue
		}
		node, no := r.ask(it, host)
		if node.node == nil {
			refused = append(refused, no...)
			continue
		}
		if before != nil {
			node.node.After = before.node.After // until order knows better
		}
		it.seen.nodes = append(it.seen.nodes, node)
	}
	return refused
}

// ask lets a kind resolve an instance. It gives no node if something is wrong with it.
func (r *resolver) ask(it *item, host string) (n rememberedNode, no []Problem) {
	object := it.object
	spec, facts, problems := it.kind.Resolve(object.ID, Place{Host: host, Hosts: object.Hosts}, object.Spec, r.noting(&n.told))
	if len(problems) > 0 {
		return n, problems
	}
	n.ranges = facts.Ranges
	n.node = &Node{
		Instance: object.ID.On(host), Object: object, Spec: spec, Hash: Hash(spec),
		Provides: facts.Provides, Needs: facts.Needs, Share: facts.Share,
	}
	return n, nil
}

// refuse reports what is wrong with the instances of an object.
func (r *resolver) refuse(it *item, problems []Problem) {
	if len(problems) > 0 {
		r.reportFor(it.name(), problems)
		r.breaks(it)
	}
}

// gather lists the resolved instances, sorted.
func (r *resolver) gather() {
	all := 0
	for i := range r.items {
		all += len(r.items[i].seen.nodes)
	}
	r.sorted = make([]*Node, 0, all)
	for i := range r.items {
		it := &r.items[i]
		it.first = int32(len(r.sorted))
		for _, n := range it.seen.nodes {
			r.sorted = append(r.sorted, n.node)
			r.ranges = append(r.ranges, n.ranges...)
		}
		sortNodes(r.instances(it))
	}
}

// instances are those of an item, sorted.
func (r *resolver) instances(it *item) []*Node {
	return r.sorted[it.first : int(it.first)+len(it.seen.nodes)]
}

// replace puts a changed node in the place of one that the load before gave out.
func (r *resolver) replace(it *item, place int, node *Node) {
	if it.before != nil && len(it.before.nodes) > 0 && &it.before.nodes[0] == &it.seen.nodes[0] {
		it.seen.nodes = slices.Clone(it.seen.nodes)
	}
	at := slices.IndexFunc(it.seen.nodes, func(n rememberedNode) bool { return n.node == r.sorted[place] })
	it.seen.nodes[at].node, r.sorted[place] = node, node
}

// nodePlaces tells where in the sorted list each instance is.
func (r *resolver) nodePlaces() map[Instance]int32 {
	if r.places == nil {
		r.places = indexNodes(r.sorted)
	}
	return r.places
}

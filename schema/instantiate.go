package schema

import "slices"

// asking is what a kind says of one instance, or what is wrong with it.
type asking struct {
	node     *rememberedNode
	problems []Problem
	err      error
}

// asking resolves every instance of an object and asks for its facts, or remembers. It changes nothing, so that many
// objects can be resolved at once.
func (r *resolver) asking(id ID) (all []asking) {
	if r.broken[id] {
		return nil
	}
	kind, _ := r.kinds.Info(id.Kind())
	object := r.objects[id]
	hosts := object.Hosts
	if len(hosts) == 0 {
		hosts = []string{""}
	}
	for _, host := range hosts {
		node := r.past.node(r.present.objects[id], host, object.Hosts, r.look)
		if node != nil {
			all = append(all, asking{node: node})
		} else {
			all = append(all, r.ask(kind, object, host))
		}
	}
	return all
}

// ask lets a kind resolve an instance.
func (r *resolver) ask(kind KindInfo, object *Object, host string) (a asking) {
	node := &rememberedNode{host: host, hosts: object.Hosts}
	node.spec, a.problems = kind.Resolve(object.ID, Place{Host: host, Hosts: object.Hosts}, object.Spec, noting(r.look, &node.told))
	if len(a.problems) > 0 {
		return a
	}
	if node.facts, a.err = kind.Facts(object.ID.On(host), node.spec); a.err == nil {
		node.hash, a.node = Hash(node.spec), node
	}
	return a
}

// instantiate enters the instances of an object.
func (r *resolver) instantiate(id ID, all []asking) {
	object := r.objects[id]
	for _, a := range all {
		switch {
		case len(a.problems) > 0:
			r.reportFor(id, a.problems)
			r.broken[id] = true
		case a.err != nil:
			r.fail(id, "", a.err)
		default:
			r.present.objects[id].nodes = append(r.present.objects[id].nodes, a.node)
			node := r.node(object, a.node)
			r.instances[node.Instance] = node
			r.ranges = append(r.ranges, a.node.facts.Ranges...)
		}
	}
}

// node is the one that the load before gave, if all that is known so far is the same, or a new one. It waits for what it waited
// for then, until order knows better.
func (r *resolver) node(object *Object, of *rememberedNode) *Node {
	instance := object.ID.On(of.host)
	before := r.past.given(instance)
	if before != nil && before.Object == object && slices.Contains(r.past.objects[object.ID].nodes, of) {
		return before
	}
	node := &Node{
		Instance: instance, Object: object, Spec: of.spec, Hash: of.hash,
		Provides: of.facts.Provides, Needs: of.facts.Needs, Share: of.facts.Share,
	}
	if before != nil {
		node.After = before.After
	}
	return node
}

package schema

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
			instance := id.On(a.node.host)
			r.instances[instance] = &Node{
				Instance: instance, Object: object, Spec: a.node.spec, Hash: a.node.hash,
				Provides: a.node.facts.Provides, Needs: a.node.facts.Needs, Share: a.node.facts.Share,
			}
			r.ranges = append(r.ranges, a.node.facts.Ranges...)
		}
	}
}

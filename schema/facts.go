package schema

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// use is a claim on a fact and the instance that makes it.
type use struct {
	Use
	node *Node
}

// afterEdges prefers the referenced object's instance on the same host; without one it is all of its instances.
func (r *resolver) afterEdges(it *item, node *Node, after []Instance) []Instance {
	for _, to := range it.edges {
		if to < 0 {
			continue
		}
		target := &r.items[to]
		switch here := target.name().On(node.Host); {
		case here == node.Instance:
		case r.isThere(target, node.Host):
			after = append(after, here)
		case target.object != nil:
			for _, host := range target.object.places() {
				after = append(after, target.name().On(host))
			}
		}
	}
	return after
}

// isThere tells whether an object has an instance on a host.
func (r *resolver) isThere(it *item, host string) bool {
	all := r.instances(it)
	if len(all) == 1 {
		return all[0].Host == host
	}
	_, found := slices.BinarySearchFunc(all, host, func(n *Node, host string) int { return strings.Compare(n.Host, host) })
	return found
}

func (r *resolver) afterHost(node *Node, after []Instance) []Instance {
	if node.Host == "" || node.ID.Kind() == hostKind && node.ID.Name() == node.Host {
		return after
	}
	if host := r.host(node.Host); host != nil && r.isThere(host, node.Host) {
		return append(after, host.name().On(node.Host))
	}
	return after
}

// checkExclusive reports facts that only one object may provide and several do.
func (r *resolver) checkExclusive() {
	exclusive := map[Fact][]use{}
	for _, node := range r.sorted {
		for _, provided := range node.Provides {
			if !provided.Exclusive {
				continue
			}
			claim := use{provided, node}
			found := exclusive[provided.Fact]
			if i := slices.IndexFunc(found, func(other use) bool { return conflict(other, claim) }); i >= 0 {
				r.taken(found[i], claim)
			}
			exclusive[provided.Fact] = append(found, claim)
		}
	}
}

// conflict tells whether two exclusive claims exclude each other: of different objects, or two fields of one instance. A
// shared claim (a NAT that answers on a public address) stands beside the exclusive one of whoever has it.
func conflict(a, b use) bool {
	return a.node.ID != b.node.ID || a.node == b.node && a.Path != b.Path
}

func (r *resolver) taken(first, second use) {
	text := fmt.Sprintf("%s already belongs to %s", inWords(second.Fact), first.node.ID)
	r.wrong(second.node.ID, second.Path, text, "give each its own", Field{ID: first.node.ID, Path: first.Path})
}

// checkProvided looks for a provider of each fact that a node needs.
func (r *resolver) checkProvided() {
	for _, node := range r.sorted {
		for _, need := range node.Needs {
			if len(r.facts.of(need.Fact)) == 0 {
				r.unprovided(node, need)
			}
		}
	}
}

// unprovided tells a mistake from something outside of the topology: the ranges say what it is responsible for.
func (r *resolver) unprovided(node *Node, need Use) {
	if r.partial || r.broken > 0 {
		return
	}
	if !r.responsible(need.Fact) {
		r.external = append(r.external, External{Instance: node.Instance, Fact: need.Fact})
		return
	}
	r.find(finding{
		Problem: Problem{Object: node.ID, Path: need.Path, Text: "needs " + inWords(need.Fact) + "; nothing provides it"},
		finish:  func(p *Problem) { r.missing(p, need.Fact) },
	})
}

// missing completes the problem that nothing provides a fact.
func (r *resolver) missing(p *Problem, fact Fact) {
	var values []string
	by := map[string]ID{} // the first provider of each
	for _, node := range r.sorted {
		for _, other := range node.Provides {
			if other.Fact.Type == fact.Type && other.Fact.Scope == fact.Scope && by[other.Fact.Value] == "" {
				values, by[other.Fact.Value] = append(values, other.Fact.Value), node.ID
			}
		}
	}
	slices.Sort(values)
	p.Remedy = "declare what has it"
	if near := Nearest(fact.Value, values); near != "" {
		p.Remedy = fmt.Sprintf("did you mean %s, which %s provides?", near, by[near])
	}
	if was := r.former(fact); was != "" {
		p.Text += fmt.Sprintf(" any more (was %s)", was)
	}
}

func (r *resolver) responsible(fact Fact) bool {
	addr, err := netip.ParseAddr(fact.Value)
	if err != nil {
		prefix, err := netip.ParsePrefix(fact.Value)
		if err != nil {
			return false
		}
		addr = prefix.Addr()
	}
	return slices.ContainsFunc(r.ranges, func(declared Range) bool {
		return declared.Type == fact.Type && declared.Scope == fact.Scope && declared.Prefix.Contains(addr)
	})
}

// inWords is "10.1.1.12 in app-boston" for an address, "vrid 51 in edge" for the rest.
func inWords(f Fact) string {
	if f.Type == "addr" {
		return f.Value + " in " + f.Scope
	}
	return f.Type + " " + f.Value + " in " + f.Scope
}

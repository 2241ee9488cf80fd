package schema

import "slices"

// factIndex is who provides the facts that some node needs: one list for each fact, however many need it. Nodes are told by
// their places in the sorted list of all.
type factIndex struct {
	number map[Fact]int32
	begin  []int32 // where each fact's list begins in places, and where the last one ends
	places []int32
}

// indexFacts finds the providers of all facts that nodes need, each list ascending.
func indexFacts(nodes []*Node) *factIndex {
	x := &factIndex{number: map[Fact]int32{}}
	for _, node := range nodes {
		for _, need := range node.Needs {
			if _, known := x.number[need.Fact]; !known {
				x.number[need.Fact] = int32(len(x.number))
			}
		}
	}
	x.begin = make([]int32, len(x.number)+1)
	x.claims(nodes, func(fact, _ int32) { x.begin[fact+1]++ })
	for i := range len(x.number) {
		x.begin[i+1] += x.begin[i]
	}
	x.places = make([]int32, x.begin[len(x.number)])
	at := slices.Clone(x.begin)
	x.claims(nodes, func(fact, place int32) { x.places[at[fact]] = place; at[fact]++ })
	return x
}

// claims calls back for each fact that is needed and each node that provides it, once.
func (x *factIndex) claims(nodes []*Node, claim func(fact, place int32)) {
	for i, node := range nodes {
		for n, provided := range node.Provides {
			if slices.ContainsFunc(node.Provides[:n], func(u Use) bool { return u.Fact == provided.Fact }) {
				continue
			}
			if fact, needed := x.number[provided.Fact]; needed {
				claim(fact, int32(i))
			}
		}
	}
}

// of lists the providers of a fact.
func (x *factIndex) of(fact Fact) []int32 {
	n, known := x.number[fact]
	if !known {
		return nil
	}
	return x.list(n)
}

func (x *factIndex) list(n int32) []int32 { return x.places[x.begin[n]:x.begin[n+1]:x.begin[n+1]] }

package schema

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
)

// Graph is the topology of one commit, validated: every name resolved, every fact with its providers, no cycle.
type Graph struct {
	Commit    string
	Objects   []*Object  // sorted by ID
	Nodes     []*Node    // sorted by Instance
	Approvals []Approval // sorted; see Approval
	Ignores   []Ignore   // sorted by name
	External  []External // needs that nobody in the topology provides, outside every declared range
	Warnings  []Problem

	objects map[ID]int32       // places in Objects
	nodes   map[Instance]int32 // places in Nodes
	facts   *factIndex
}

// Manage says how far Plumbline owns an object.
type Manage string

// The three degrees of ownership. The zero value means own.
const (
	Observe Manage = "observe" // reported, never changed
	Adopt   Manage = "adopt"   // takes ownership of what is there, then owns it
	Own     Manage = "own"
)

// Meta holds the fields that every object may carry, whatever its kind.
type Meta struct {
	Manage Manage `json:"manage,omitempty"`
	Was    string `json:"was,omitempty"`   // earlier name: the object is renamed in place
	Drift  string `json:"drift,omitempty"` // alert | heal; empty = the kind's default

	Protect bool `json:"protect,omitempty"` // not taken away until an applied declaration says otherwise
	Self    bool `json:"self,omitempty"`    // the controller itself stands on it: changed last and alone
}

// Object is one declared thing.
type Object struct {
	ID    ID
	Pos   Pos // where it is declared
	Meta  Meta
	Spec  json.RawMessage // as declared with defaults, without the fields of Meta and of placement
	Hosts []string        // where it lives, in declared order; empty for the controller
	Edges []Edge
}

// Node is one instance of an object, as the planner sees it.
type Node struct {
	Instance
	Object   *Object
	Spec     json.RawMessage // resolved: what was taken from referenced objects stands under "resolved"
	Hash     string          // Hash(Spec)
	After    []Instance      // what must be there first: its host and the instances that it refers to; sorted
	Provides []Use
	Needs    []Use    // by fact: all that provide one must be there first, too; see Graph.Providers
	Share    []string // containers it is written into together with others
}

// External is a fact that an object needs and the topology does not provide.
type External struct {
	Instance Instance `json:"instance"`
	Fact     Fact     `json:"fact"`
}

// NewGraph indexes objects and nodes, which it sorts.
func NewGraph(commit string, objects []*Object, nodes []*Node) *Graph {
	sortNodes(nodes)
	if byID := func(a, b *Object) int { return strings.Compare(string(a.ID), string(b.ID)) }; !slices.IsSortedFunc(objects, byID) {
		slices.SortFunc(objects, byID)
	}
	index := make(map[ID]int32, len(objects))
	for i, o := range objects {
		index[o.ID] = int32(i)
	}
	return &Graph{Commit: commit, Objects: objects, Nodes: nodes, objects: index, nodes: indexNodes(nodes), facts: indexFacts(nodes)}
}

func indexNodes(nodes []*Node) map[Instance]int32 {
	index := make(map[Instance]int32, len(nodes))
	for i, n := range nodes {
		index[n.Instance] = int32(i)
	}
	return index
}

// sortNodes sorts by instance; mostly they are sorted.
func sortNodes(nodes []*Node) {
	if byInstance := func(a, b *Node) int { return a.Instance.Compare(b.Instance) }; !slices.IsSortedFunc(nodes, byInstance) {
		slices.SortFunc(nodes, byInstance)
	}
}

// Object finds a declared object, or nil.
func (g *Graph) Object(id ID) *Object {
	if i, ok := g.objects[id]; ok {
		return g.Objects[i]
	}
	return nil
}

// Node finds an instance, or nil.
func (g *Graph) Node(i Instance) *Node {
	if at, ok := g.nodes[i]; ok {
		return g.Nodes[at]
	}
	return nil
}

// Place finds where an instance stands in Nodes.
func (g *Graph) Place(i Instance) (place int32, ok bool) {
	place, ok = g.nodes[i]
	return place, ok
}

// Providers lists who provides a fact that some node needs, by their places in Nodes, ascending. An object does not wait for
// itself: who needs what its own object provides waits for the others. The list is shared by all who ask.
func (g *Graph) Providers(f Fact) []int32 { return g.facts.of(f) }

// Hash is the identity of a resolved spec: 16 hex digits of the SHA-256 of its canonical JSON (keys sorted, no
// white space). 64 bits tell the specs of one object apart; they are no protection against forgery.
func Hash(spec json.RawMessage) string {
	if quick, ok := canonical(make([]byte, 0, len(spec)), spec); ok {
		sum := sha256.Sum256(quick)
		return hex.EncodeToString(sum[:8])
	}
	var value any
	if err := json.Unmarshal(spec, &value); err != nil {
		sum := sha256.Sum256(spec)
		return hex.EncodeToString(sum[:8])
	}
	canonical, _ := json.Marshal(value)
	sum := sha256.Sum256(canonical)
	return hex.EncodeToString(sum[:8])
}

package schema

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// resolver turns declarations into a graph: it finds the hosts of every object, checks every name, resolves every
// instance, matches facts and orders all of it. Objects that turn out wrong are broken; what depends on them is left out.
//
// Objects are told by their places among the sorted IDs, so that a push, which leaves nearly all of them as they were, costs a
// few comparisons for each and no search by name.
type resolver struct {
	kinds   Kinds
	once    bool          // no other load comes after this one
	partial bool          // some declarations are missing, so that an unknown name proves nothing
	items   []item        // sorted by ID
	index   map[ID]int32  // their places; that of the load before if it had the same IDs. Not changed
	former  func(Fact) ID // who provided a fact before; "" = nobody
	secrets vault
	past    *memo
	present *memo
	broken  int // how many items are

	hostNames []string                     // sorted; see hostsByName
	hostItems map[string]int32             // see host
	alone     map[string][]string          // a list of each host alone
	carried   map[string]map[string]string // labels of each host, as far as they were asked for
	chosenBy  map[string][]string          // hosts by the labels that chose them
	sorted    []*Node                      // all resolved instances
	places    map[Instance]int32           // see nodePlaces
	facts     *factIndex                   // of sorted
	moved     bool                         // somebody waits for something else than in the load before

	approvals []Approval // sorted
	ignores   []Ignore   // sorted
	ranges    []Range
	external  []External
	findings  findings
}

// item is one declared object on its way into the graph.
type item struct {
	*Declaration             // the first, if several packages declare it
	kind         KindInfo    // nil: there is none of this name
	seen         *remembered // what its kind says of it
	before       *remembered // of the same ID in the load before; nil if there was none
	unchanged    bool        // it was read then, and is declared as it was then
	object       *Object     // nil: it could not be read. Hosts are those of the graph only once all are settled
	hosts        []string
	edges        []int32 // places of what it refers to; -1 for what is not declared
	first        int32   // place of its first instance in resolver.sorted
	placing      bool    // its hosts are being looked for
	placed       bool
	broken       bool
}

// name is the ID of what an item is; the object's has the same text.
func (it *item) name() ID { return it.Declaration.ID }

func newResolver(kinds Kinds, e Evaluation, past *memo) *resolver {
	r := &resolver{
		kinds: kinds, partial: e.Partial, past: past, present: newMemo(kinds),
		hostItems: map[string]int32{}, alone: map[string][]string{}, carried: map[string]map[string]string{}, chosenBy: map[string][]string{},
	}
	r.report(e.Problems...)
	r.findings.more += e.More
	if !slices.IsSortedFunc(e.Objects, compareDeclarations) {
		slices.SortStableFunc(e.Objects, compareDeclarations)
	}
	objects := e.Objects
	if from, to := approvalsOf(objects); from < to {
		r.approve(objects[from:to])
		objects = slices.Concat(objects[:from], objects[to:])
	}
	if from, to := rulesOf(objects); from < to {
		r.ignore(objects[from:to], time.Now())
		objects = slices.Concat(objects[:from], objects[to:])
	}
	r.declare(objects)
	return r
}

// resolve runs the steps in the order in which each can trust the one before.
func (r *resolver) resolve() {
	for i, err := range inParallel(len(r.items), r.read) {
		r.outline(&r.items[i], err)
	}
	if r.once {
		r.forget()
	}
	r.connect()
	r.checkEdges()
	r.checkRenames()
	r.referenceCycles()
	for i := range r.items {
		r.place(&r.items[i])
	}
	r.spreadBroken()
	for i := range r.items {
		r.items[i].settle()
	}
	for i, refused := range inParallel(len(r.items), r.instantiate) {
		r.refuse(&r.items[i], refused)
	}
	r.gather()
	r.audit()
	r.order()
	if !r.findings.any() {
		r.nodeCycles()
	}
	r.remember()
}

// forget lets go of what was declared: all of it was read, and nobody will compare with it.
func (r *resolver) forget() {
	for i := range r.items {
		r.items[i].Spec, r.items[i].seen.declared = nil, nil
	}
}

// declare enters declarations, sorted. The same object in two packages is an error, but for a package in a subdirectory that
// only repeats what its parent directory says: CUE gives it the parent's files.
func (r *resolver) declare(declarations []Declaration) {
	r.items = make([]item, 0, len(declarations))
	for i := range declarations {
		d := &declarations[i]
		if n := len(r.items); n > 0 && r.items[n-1].name() == d.ID {
			if first := r.items[n-1].Declaration; !sameDeclaration(*first, *d) {
				r.find(finding{Problem: Problem{
					Pos: d.Pos, Object: d.ID, Text: "this object is declared in two packages", Also: []Pos{first.Pos},
					Remedy: "give one of them another name, or declare it in one package only",
				}})
			}
			continue
		}
		kind, _ := r.kinds.Info(d.ID.Kind())
		r.items = append(r.items, item{Declaration: d, kind: kind})
	}
	r.recall()
	for i := range r.items {
		r.checkName(&r.items[i])
	}
}

func sameDeclaration(first, second Declaration) bool {
	nested := first.Dir == "." || strings.HasPrefix(second.Dir, first.Dir+"/")
	return nested && first.Pos == second.Pos && string(first.Spec) == string(second.Spec)
}

// item finds a declared object, or nil.
func (r *resolver) item(id ID) *item {
	if i, declared := r.index[id]; declared {
		return &r.items[i]
	}
	return nil
}

// breaks marks an item as broken.
func (r *resolver) breaks(it *item) {
	if !it.broken {
		it.broken = true
		r.broken++
	}
}

// ValidName tells whether a name is of letters, digits, underscores, dashes and dots, with neither of the last two at an
// end; "*." may stand before it.
func ValidName(name string) bool {
	name = strings.TrimPrefix(name, "*.")
	for i, c := range []byte(name) {
		inner := (c == '.' || c == '-') && i > 0 && i < len(name)-1
		if !inner && c != '_' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return name != ""
}

// checkName refuses names that would not survive as a file name, a host name or an instance's text.
func (r *resolver) checkName(it *item) {
	name := it.name().Name()
	switch {
	case len(name) > 253:
		r.find(finding{Problem: Problem{Pos: it.Pos, Object: it.name(), Text: "the name is too long", Remedy: "use at most 253 characters"}})
	case !ValidName(name):
		r.find(finding{Problem: Problem{Pos: it.Pos, Object: it.name(), Text: fmt.Sprintf("%q is not a name", name), Remedy: "use letters, digits, dot, underscore and dash"}})
	default:
		return
	}
	r.breaks(it)
}

// connect finds the places of what each object refers to.
func (r *resolver) connect() {
	all := 0
	for i := range r.items {
		if object := r.items[i].object; object != nil {
			all += len(object.Edges)
		}
	}
	edges := make([]int32, 0, all)
	for i := range r.items {
		it := &r.items[i]
		if it.object == nil {
			continue
		}
		from := len(edges)
		for _, edge := range it.object.Edges {
			to, declared := r.index[edge.To]
			if !declared {
				to = -1
			}
			edges = append(edges, to)
		}
		it.edges = edges[from:len(edges):len(edges)]
	}
}

// checkEdges reports references to objects that do not exist, with the nearest one of that kind.
func (r *resolver) checkEdges() {
	if r.partial {
		return
	}
	for i := range r.items {
		it := &r.items[i]
		for n, to := range it.edges {
			if to >= 0 {
				continue
			}
			r.breaks(it)
			edge := it.object.Edges[n]
			kind, name := edge.To.Kind(), edge.To.Name()
			text := fmt.Sprintf("there is no %s %q", kind, name)
			r.wrongly(it.name(), edge.Path, text, func() string { return didYouMean(name, r.names(kind), "declare it") })
		}
	}
}

// checkRenames reports earlier names that are still in use, or claimed twice.
func (r *resolver) checkRenames() {
	claimed := map[ID]ID{}
	for i := range r.items {
		object := r.items[i].object
		if object == nil || object.Meta.Was == "" {
			continue
		}
		id := object.ID
		was := MakeID(id.Kind(), object.Meta.Was)
		switch other, twice := claimed[was]; {
		case was == id:
			r.wrong(id, "was", fmt.Sprintf("was %q, which is its own name", object.Meta.Was), "remove was, or write its earlier name")
		case r.item(was) != nil:
			text, remedy := r.stillThere(id, was)
			r.wrong(id, "was", text, remedy, Field{ID: was})
		case twice:
			r.wrong(id, "was", fmt.Sprintf("was %q, and so was %s", object.Meta.Was, other), "only one object can be what it was", Field{ID: other, Path: "was"})
		default:
			claimed[was] = id
		}
	}
}

// stillThere says why an object cannot have been one that is still declared. Names that move up one after the other, or change
// places, take a commit each: within one, nobody can say what stands under which.
func (r *resolver) stillThere(id, was ID) (text, remedy string) {
	switch other := r.item(was).object; {
	case other != nil && other.Meta.Was == id.Name():
		return fmt.Sprintf("was %q, and that was %q: they would change places", was.Name(), id.Name()),
			"rename one of them to a third name, apply that, and go on in a second commit"
	case other != nil && other.Meta.Was != "":
		return fmt.Sprintf("was %q, but that is still declared, and was %q itself", was.Name(), other.Meta.Was),
			fmt.Sprintf("rename %q to %q in this commit, and %q to %q when that is applied", was.Name(), id.Name(), other.Meta.Was, was.Name())
	}
	return fmt.Sprintf("was %q, but that is still declared", was.Name()), "remove one of the two, or remove was"
}

// names lists the declared objects of a kind.
func (r *resolver) names(kind string) []string {
	var names []string
	for i := range r.items {
		if id := r.items[i].name(); id.Kind() == kind {
			names = append(names, id.Name())
		}
	}
	return names
}

// spreadBroken marks everything that refers to a broken object, however far.
func (r *resolver) spreadBroken() {
	for changed := true; changed; {
		changed = false
		for i := range r.items {
			it := &r.items[i]
			if !it.broken && slices.ContainsFunc(it.edges, func(to int32) bool { return to < 0 || r.items[to].broken || r.items[to].object == nil }) {
				r.breaks(it)
				changed = true
			}
		}
	}
}

// settle gives an object its hosts: it is that of the load before if it is as that was, so that who compares two graphs sees
// that at once.
func (it *item) settle() {
	switch {
	case it.object == nil:
		return
	case !it.unchanged:
		it.object.Hosts = it.hosts
	case it.object.Pos != it.Pos || !slices.Equal(it.object.Hosts, it.hosts):
		other := *it.object
		other.Pos, other.Hosts = it.Pos, it.hosts
		it.object = &other
	}
	it.seen.object = it.object
}

// object finds what was read of a declared object, or of a secret, or nil.
func (r *resolver) object(id ID) *Object {
	if id.Kind() == SecretKind {
		return r.secrets.look(id.Name())
	}
	if it := r.item(id); it != nil {
		return it.object
	}
	return nil
}

// look answers a kind's question about another object.
func (r *resolver) look(id ID) (json.RawMessage, []string, bool) {
	if object := r.object(id); object != nil {
		return object.Spec, object.Hosts, true
	}
	return nil, nil, false
}

// graph is what came of it, when there was no mistake.
func (r *resolver) graph(commit string) *Graph {
	objects := make([]*Object, len(r.items))
	for i := range r.items {
		objects[i] = r.items[i].object
	}
	return &Graph{
		Commit: commit, Objects: objects, Nodes: r.sorted, External: r.external,
		objects: r.index, nodes: r.nodePlaces(), facts: r.facts,
	}
}

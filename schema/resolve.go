package schema

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// resolver turns declarations into a graph: it finds the hosts of every object, checks every name, resolves every
// instance, matches facts and orders all of it. Objects that turn out wrong are broken; what depends on them is left out.
type resolver struct {
	kinds    Kinds
	declared map[ID]Declaration
	partial  bool // some declarations are missing, so that an unknown name proves nothing
	ids      []ID // sorted
	objects  map[ID]*Object
	outlines map[ID]Outline
	broken   map[ID]bool
	former   func(Fact) ID // who provided a fact before; "" = nobody
	past     *memo
	present  *memo

	hostNames []string                     // sorted; see hostsByName
	carried   map[string]map[string]string // labels of each host, as far as they were asked for
	hostIDs   map[string]ID                // see afterHost
	sorted    []*Node                      // see nodes
	chosenBy  map[string][]string          // hosts by the labels that chose them
	facts     *factIndex                   // see order
	moved     bool                         // somebody waits for something else than in the load before

	instances map[Instance]*Node
	ranges    []Range
	external  []External
	findings  findings
}

func newResolver(kinds Kinds, e Evaluation) *resolver {
	r := &resolver{
		kinds: kinds, partial: e.Partial,
		declared: make(map[ID]Declaration, len(e.Objects)), objects: make(map[ID]*Object, len(e.Objects)), outlines: make(map[ID]Outline, len(e.Objects)),
		broken: map[ID]bool{}, instances: make(map[Instance]*Node, len(e.Objects)),
		past: newMemo(kinds), present: newMemo(kinds), carried: map[string]map[string]string{}, hostIDs: map[string]ID{},
		chosenBy: map[string][]string{},
	}
	r.report(e.Problems...)
	r.findings.more += e.More
	r.declare(e.Objects)
	r.ids = slices.AppendSeq(make([]ID, 0, len(r.declared)), maps.Keys(r.declared))
	slices.Sort(r.ids)
	return r
}

// resolve runs the steps in the order in which each can trust the one before.
func (r *resolver) resolve() {
	for i, seen := range inParallel(r.ids, r.reading) {
		r.outline(r.ids[i], seen)
	}
	for _, id := range r.ids {
		r.checkEdges(id)
	}
	r.checkRenames()
	r.referenceCycles()
	for _, id := range r.ids {
		r.place(id)
	}
	r.spreadBroken()
	for id, now := range r.present.objects {
		now.given = r.past.same(now, r.objects[id])
		r.objects[id] = now.given
	}
	for i, asked := range inParallel(r.ids, r.asking) {
		r.instantiate(r.ids[i], asked)
	}
	r.audit()
	r.order()
	if !r.findings.any() {
		r.nodeCycles()
	}
	r.present.sound = !r.findings.any()
}

// declare enters declarations. The same object in two packages is an error, but for a package in a subdirectory that
// only repeats what its parent directory says: CUE gives it the parent's files.
func (r *resolver) declare(declarations []Declaration) {
	for _, d := range declarations {
		first, twice := r.declared[d.ID]
		if twice && !sameDeclaration(first, d) {
			r.find(finding{Problem: Problem{
				Pos: d.Pos, Object: d.ID, Text: "this object is declared in two packages", Also: []Pos{first.Pos},
				Remedy: "give one of them another name, or declare it in one package only",
			}})
		}
		if !twice {
			r.declared[d.ID] = d
			r.checkName(d)
		}
	}
}

func sameDeclaration(first, second Declaration) bool {
	nested := first.Dir == "." || strings.HasPrefix(second.Dir, first.Dir+"/")
	return nested && first.Pos == second.Pos && string(first.Spec) == string(second.Spec)
}

// validName tells whether a name is of letters, digits, underscores, dashes and dots, with neither of the last two at an
// end; "*." may stand before it.
func validName(name string) bool {
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
func (r *resolver) checkName(d Declaration) {
	name := d.ID.Name()
	switch {
	case len(name) > 253:
		r.find(finding{Problem: Problem{Pos: d.Pos, Object: d.ID, Text: "the name is too long", Remedy: "use at most 253 characters"}})
	case !validName(name):
		r.find(finding{Problem: Problem{Pos: d.Pos, Object: d.ID, Text: fmt.Sprintf("%q is not a name", name), Remedy: "use letters, digits, dot, underscore and dash"}})
	default:
		return
	}
	r.broken[d.ID] = true
}

// reading is what a kind says of one declared object, or why it cannot.
type reading struct {
	seen *remembered
	err  error
}

// reading asks about one object, or remembers. It changes nothing, so that many can be asked about at once.
func (r *resolver) reading(id ID) reading {
	d := r.declared[id]
	kind, known := r.kinds.Info(id.Kind())
	if d.Spec == nil || !known || r.broken[id] {
		return reading{}
	}
	seen := remembered{declared: d.Spec}
	if before := r.past.object(d); before != nil {
		seen.object, seen.outline, seen.own = before.object, before.outline, before.own
		return reading{seen: &seen}
	}
	return reading{&seen, seen.read(id, kind)}
}

// outline enters an object with what its kind says that it refers to.
func (r *resolver) outline(id ID, said reading) {
	d := r.declared[id]
	if _, known := r.kinds.Info(id.Kind()); !known && d.Spec != nil {
		r.wrong(id, "", fmt.Sprintf("there is no kind %q in this binary", id.Kind()), "known kinds: "+list(r.kinds.Names(), "and"))
	}
	switch {
	case said.seen == nil:
		r.broken[id] = true
		return
	case said.err != nil:
		r.fail(id, "", said.err)
		return
	}
	object := said.seen.object
	object.Pos = d.Pos
	r.objects[id], r.outlines[id], r.present.objects[id] = &object, said.seen.outline, said.seen
}

// read asks a kind what an object declares.
func (seen *remembered) read(id ID, kind KindInfo) (err error) {
	seen.object.ID = id
	if err = seen.split(kind.Where() == OnHost); err != nil {
		return err
	}
	if seen.outline, err = kind.Outline(id, seen.object.Spec); err != nil {
		return err
	}
	if home := seen.outline.Home; home != "" && !slices.ContainsFunc(seen.outline.Edges, func(e Edge) bool { return e.To == home }) {
		seen.outline.Edges = append(seen.outline.Edges, Edge{To: home})
	}
	seen.object.Edges = seen.outline.Edges
	return nil
}

// fail reports an error of a kind about one object, which is then broken.
func (r *resolver) fail(id ID, path string, err error) {
	r.broken[id] = true
	var problems Problems
	if errors.As(err, &problems) {
		r.reportFor(id, problems)
		return
	}
	r.wrong(id, path, err.Error(), "")
}

// reportFor keeps problems that a kind found in an object of its own.
func (r *resolver) reportFor(id ID, problems []Problem) {
	for _, p := range problems {
		if p.Object == "" {
			p.Object = id
		}
		r.report(p)
	}
}

// checkEdges reports references to objects that do not exist, with the nearest one of that kind.
func (r *resolver) checkEdges(id ID) {
	object := r.objects[id]
	if object == nil || r.partial {
		return
	}
	for _, edge := range object.Edges {
		if _, exists := r.declared[edge.To]; exists {
			continue
		}
		r.broken[id] = true
		kind, name := edge.To.Kind(), edge.To.Name()
		text := fmt.Sprintf("there is no %s %q", kind, name)
		r.wrongly(id, edge.Path, text, func() string { return didYouMean(name, r.names(kind), "declare it") })
	}
}

// checkRenames reports earlier names that are still in use, or claimed twice.
func (r *resolver) checkRenames() {
	claimed := map[ID]ID{}
	for _, id := range r.ids {
		object := r.objects[id]
		if object == nil || object.Meta.Was == "" {
			continue
		}
		was := MakeID(id.Kind(), object.Meta.Was)
		_, exists := r.declared[was]
		switch other, twice := claimed[was]; {
		case exists:
			r.wrong(id, "was", fmt.Sprintf("was %q, but that is still declared", object.Meta.Was), "remove one of the two, or remove was", Field{ID: was})
		case twice:
			r.wrong(id, "was", fmt.Sprintf("was %q, and so was %s", object.Meta.Was, other), "only one object can be what it was", Field{ID: other, Path: "was"})
		default:
			claimed[was] = id
		}
	}
}

// names lists the declared objects of a kind.
func (r *resolver) names(kind string) []string {
	var names []string
	for _, id := range r.ids {
		if id.Kind() == kind {
			names = append(names, id.Name())
		}
	}
	return names
}

// spreadBroken marks everything that refers to a broken object, however far.
func (r *resolver) spreadBroken() {
	for changed := true; changed; {
		changed = false
		for _, id := range r.ids {
			if !r.broken[id] && slices.ContainsFunc(r.objects[id].Edges, func(e Edge) bool { return r.broken[e.To] || r.objects[e.To] == nil }) {
				r.broken[id], changed = true, true
			}
		}
	}
}

// look answers a kind's question about another object.
func (r *resolver) look(id ID) (json.RawMessage, []string, bool) {
	object := r.objects[id]
	if object == nil {
		return nil, nil, false
	}
	return object.Spec, object.Hosts, true
}

// sound lists the resolved objects.
func (r *resolver) sound() []*Object {
	objects := make([]*Object, 0, len(r.objects))
	for _, id := range r.ids {
		if object := r.objects[id]; object != nil {
			objects = append(objects, object)
		}
	}
	return objects
}

// nodes lists the resolved instances, sorted. It is asked for once all of them are there.
func (r *resolver) nodes() []*Node {
	if len(r.sorted) == len(r.instances) {
		return r.sorted
	}
	r.sorted = make([]*Node, 0, len(r.instances))
	for _, id := range r.ids {
		for _, host := range r.placesOf(id) {
			if node := r.instances[id.On(host)]; node != nil {
				r.sorted = append(r.sorted, node)
			}
		}
	}
	sortNodes(r.sorted)
	return r.sorted
}

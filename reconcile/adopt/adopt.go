// Package adopt says what is live as changes of the declaration that it differs from. It is pure: what it gives is tried on the
// topology by its caller, before anybody sees it. It imports schema, actuators and diff only.
package adopt

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"plumbline/actuators"
	"plumbline/reconcile/diff"
	"plumbline/schema"
)

// Subject is one instance that differs from its declaration.
type Subject struct {
	Kind    *actuators.Kind
	Node    *schema.Node
	Finding diff.Finding        // the live state against the declaration
	Live    *actuators.Observed // nil: it is gone
	Graph   *schema.Graph
}

// Way is how live values are read.
type Way int

// The ways, in the order in which they are tried.
const (
	ByImport Way = iota // as "plumb import" would declare the thing
	ByChange            // as the comparison told them
)

// Edits says the changes of the fields that wanted takes in as edits of the declaration, each field once. left names the fields that
// no declaration can say, with the reason.
func (s Subject) Edits(way Way, wanted func(path string) bool) (edits []schema.Edit, left map[string]error) {
	left = map[string]error{}
	if s.Finding.Class == diff.Gone {
		return []schema.Edit{s.edit("", nil)}, left
	}
	declared, live, reason := s.specs(way)
	for _, c := range s.Finding.Diff.Changes {
		if !wanted(c.Path) {
			continue
		}
		found, err := s.field(c, declared, live, way)
		if err != nil {
			left[c.Path] = errors.Join(err, reason)
			continue
		}
		for _, e := range found {
			if !slices.ContainsFunc(edits, func(other schema.Edit) bool { return other.Path == e.Path }) {
				edits = append(edits, e)
			}
		}
	}
	return edits, left
}

func (s Subject) edit(path string, value any) schema.Edit {
	e := schema.Edit{ID: s.Node.ID, Path: path, File: s.Node.Object.Pos.File}
	if value != nil {
		e.Value, _ = json.Marshal(value) // it came from JSON
	}
	return e
}

// specs are the declaration and what is live as one.
func (s Subject) specs(way Way) (declared, live any, reason error) {
	declared = value(s.Node.Object.Spec)
	if _, can := s.Kind.Imports(); way == ByImport && can && s.Live != nil {
		one := *s.Live
		one.ID = s.Node.ID
		var spec json.RawMessage
		spec, reason = s.Kind.Import(one, known{s.Graph, s.Node.Host})
		live = value(spec)
	}
	return declared, live, reason
}

// errNoField means that the difference is in no field of the declaration.
var errNoField = errors.New("no field of the declaration says it")

// field says one difference.
func (s Subject) field(c actuators.Change, declared, live any, way Way) ([]schema.Edit, error) {
	path := strings.Split(c.Path, ".")
	if way == ByChange {
		was, ok := at(declared, path)
		now := value(marshal(c.From))
		if !ok || now == nil || reflect.TypeOf(was) != reflect.TypeOf(now) {
			return nil, errNoField
		}
		return s.leaves(path, was, now)
	}
	for n := len(path); n > 0; n-- {
		was, said := at(declared, path[:n])
		now, lives := at(live, path[:n])
		switch {
		case lives:
			return s.leaves(path[:n], was, now)
		case said && n == len(path) && live != nil:
			return s.leaves(path, was, nil)
		}
	}
	return nil, errNoField
}

// leaves are the edits that make one value another, each as deep as it can be.
func (s Subject) leaves(path []string, was, now any) (edits []schema.Edit, err error) {
	if secret(was) || secret(now) {
		return nil, errors.New("it is a secret, and secrets are written by \"plumb secret\" only")
	}
	old, ok1 := was.(map[string]any)
	fresh, ok2 := now.(map[string]any)
	if ok1 && ok2 {
		for _, name := range names(fresh) {
			more, err := s.leaves(append(slices.Clip(path), name), old[name], fresh[name])
			if err != nil {
				return nil, err
			}
			edits = append(edits, more...)
		}
		return edits, nil
	}
	if list, ok := now.([]any); ok {
		if before, ok := was.([]any); ok {
			return s.list(path, before, list)
		}
	}
	if same(was, now) {
		return nil, nil
	}
	return []schema.Edit{s.edit(join(path), now)}, nil
}

// list is leaves of lists. An element that a declaration said with more than what is live tells keeps that.
func (s Subject) list(path []string, was, now []any) (edits []schema.Edit, err error) {
	if len(was) == len(now) {
		for i := range now {
			more, err := s.leaves(append(slices.Clip(path), strconv.Itoa(i)), was[i], now[i])
			if err != nil {
				return nil, err
			}
			edits = append(edits, more...)
		}
		return edits, nil
	}
	rest, out := slices.Clone(was), make([]any, len(now))
	for i, element := range now {
		out[i] = element
		if n := slices.IndexFunc(rest, func(old any) bool { return agrees(old, element) }); n >= 0 {
			out[i] = rest[n]
			rest = slices.Delete(rest, n, n+1)
		}
	}
	if secret(out) {
		return nil, errors.New("a secret stands in it, and secrets are written by \"plumb secret\" only")
	}
	return []schema.Edit{s.edit(join(path), out)}, nil
}

// agrees tells whether two elements say the same where both say something.
func agrees(declared, live any) bool {
	old, ok1 := declared.(map[string]any)
	fresh, ok2 := live.(map[string]any)
	if !ok1 || !ok2 {
		return same(declared, live)
	}
	common := false
	for name, v := range fresh {
		if before, both := old[name]; both {
			if !same(before, v) {
				return false
			}
			common = true
		}
	}
	return common
}

// secret tells whether a reference to a secret stands in a value.
func secret(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		if _, is := v["secret"]; is {
			return true
		}
		for _, inner := range v {
			if secret(inner) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, secret)
	}
	return false
}

func value(data json.RawMessage) (v any) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	if decoder.Decode(&v) != nil {
		return nil
	}
	return v
}

func marshal(v any) json.RawMessage {
	data, _ := json.Marshal(v) // nil is nothing
	return data
}

func same(a, b any) bool { return bytes.Equal(marshal(a), marshal(b)) }

// at is what stands at a path.
func at(v any, path []string) (any, bool) {
	for _, element := range path {
		switch in := v.(type) {
		case map[string]any:
			inner, ok := in[element]
			if !ok {
				return nil, false
			}
			v = inner
		case []any:
			n, err := strconv.Atoi(element)
			if err != nil || n < 0 || n >= len(in) {
				return nil, false
			}
			v = in[n]
		default:
			return nil, false
		}
	}
	return v, v != nil
}

// join writes a path as schema reads it.
func join(path []string) string {
	out := make([]string, len(path))
	for i, element := range path {
		if out[i] = element; strings.ContainsAny(element, `."`) {
			out[i] = strconv.Quote(element)
		}
	}
	return strings.Join(out, ".")
}

func names(v map[string]any) []string {
	out := make([]string, 0, len(v))
	for name := range v {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// known answers an importer from what is declared.
type known struct {
	graph *schema.Graph
	host  string
}

func (k known) Host() string { return k.host }

func (k known) Into(id schema.ID, into any) bool {
	o := k.graph.Object(id)
	return o != nil && (into == nil || json.Unmarshal(o.Spec, into) == nil)
}

func (k known) Provider(typ, value string) (found schema.ID, ok bool) {
	for _, n := range k.graph.Nodes {
		if n.Host == k.host && slices.ContainsFunc(n.Provides, func(u schema.Use) bool { return u.Fact.Type == typ && u.Fact.Value == value }) {
			return n.ID, true
		}
	}
	return "", false
}

// Name is what a person named: an object, perhaps on one host, perhaps one field of it.
type Name struct {
	ID   schema.ID
	Host string // "" = wherever it differs
	Path string // "" = every field that differs
}

// Covers tells whether a field is meant.
func (n Name) Covers(path string) bool {
	return n.Path == "" || path == n.Path || strings.HasPrefix(path, n.Path+".") || strings.HasPrefix(n.Path, path+".")
}

// Parse reads OBJECT[@HOST][.FIELD] or OBJECT[@HOST][/FIELD]. Names of objects and hosts may hold dots: the longest that is declared
// counts.
func Parse(g *schema.Graph, text string) (Name, error) {
	kind, rest, ok := strings.Cut(text, "/")
	var best Name
	for _, o := range g.Objects {
		if o.ID.Kind() != kind || !strings.HasPrefix(rest, o.ID.Name()) || len(o.ID) < len(best.ID) {
			continue
		}
		if n, fits := tail(o, rest[len(o.ID.Name()):]); fits {
			best = n
		}
	}
	if !ok || best.ID == "" {
		return Name{}, fmt.Errorf("%q names nothing that is declared; an object is KIND/NAME, a field of it KIND/NAME.FIELD", text)
	}
	return best, nil
}

// tail reads what stands behind the name of an object.
func tail(o *schema.Object, rest string) (Name, bool) {
	n := Name{ID: o.ID}
	if host, ok := strings.CutPrefix(rest, "@"); ok {
		for _, h := range o.Hosts {
			if behind, ok := strings.CutPrefix(host, h); ok && len(h) > len(n.Host) && (behind == "" || behind[0] == '.' || behind[0] == '/') {
				n.Host, rest = h, behind
			}
		}
		if n.Host == "" {
			return n, false
		}
	}
	switch {
	case rest == "":
		return n, true
	case rest[0] == '.' || rest[0] == '/':
		n.Path = rest[1:]
		return n, n.Path != ""
	}
	return n, false
}

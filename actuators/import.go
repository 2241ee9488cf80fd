package actuators

import (
	"encoding/json"

	"plumbline/schema"
)

// Import is how a kind says what runs as a declaration. The plan of such a declaration is empty: what the kind compares is
// said as it is, and what nobody compares is left out.
type Import[S, L any] struct {
	// Spec says a live thing as the declared spec of the object l.ID, or why no spec can say it: the error is a reason in words
	// that begin in lower case, and the spec then only tells what the thing holds (its address, its device). Pure. found names
	// what the thing refers to.
	Spec func(l Live[L], found Found) (S, error)
	// After are the kinds that Spec asks found for.
	After []string
	// Renames: a thing is known by what it is (a directory, an address), and its object may have any name.
	Renames bool
	// Spans: things that are the same on several hosts are one object.
	Spans bool
}

// Found is what was said already of the same host.
type Found interface {
	// Provider is the object that provides a fact of a type and value, in whatever scope that concerns the host.
	Provider(typ, value string) (schema.ID, bool)
	// Into decodes the spec that an object was said as into a pointer, and tells whether there is such an object. A nil pointer
	// only asks.
	Into(id schema.ID, into any) bool
	// Host is the host that was looked at.
	Host() string
}

// ImportRules are what an importer must know of a kind.
type ImportRules struct {
	After          []string
	Renames, Spans bool
}

type erasedImport struct {
	ImportRules
	spec func(o Observed, found Found) (json.RawMessage, error)
}

func (i *Import[S, L]) erase() *erasedImport {
	if i == nil {
		return nil
	}
	return &erasedImport{ImportRules{i.After, i.Renames, i.Spans}, func(o Observed, found Found) (json.RawMessage, error) {
		state, err := decode[L](o.State)
		if err != nil {
			return nil, err
		}
		s, reason := i.Spec(Live[L]{ID: o.ID, Mark: o.Mark, Retired: o.Retired, State: state}, found)
		spec, err := json.Marshal(s)
		if err != nil {
			return nil, err
		}
		return spec, reason
	}}
}

// Imports tells whether and how the kind says what runs as declarations.
func (k *Kind) Imports() (ImportRules, bool) {
	if k.imports == nil {
		return ImportRules{}, false
	}
	return k.imports.ImportRules, true
}

// Import says an observed thing as the spec of the object o.ID. The error is why no spec can say it; the spec then tells what
// the thing holds.
func (k *Kind) Import(o Observed, found Found) (json.RawMessage, error) {
	return k.imports.spec(o, found)
}

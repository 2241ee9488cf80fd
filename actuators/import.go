package actuators

import (
	"encoding/json"

	"plumbline/schema"
)

// Import is how a kind says what runs as a declaration. The plan of such a declaration is empty: what the kind compares is
// said as it is, and what nobody compares is left out.
type Import[S, L any] struct {
	// Spec says a live thing as the declared spec of the object l.ID, or why no spec can say it: the error is a reason in words
	// that begin in lower case. Pure. found names what the thing refers to.
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
	// Object tells whether there is an object of this ID.
	Object(id schema.ID) bool
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
		s, err := i.Spec(Live[L]{ID: o.ID, Mark: o.Mark, Retired: o.Retired, State: state}, found)
		if err != nil {
			return nil, err
		}
		return json.Marshal(s)
	}}
}

// Imports tells whether and how the kind says what runs as declarations.
func (k *Kind) Imports() (ImportRules, bool) {
	if k.imports == nil {
		return ImportRules{}, false
	}
	return k.imports.ImportRules, true
}

// Import says an observed thing as the spec of the object o.ID, or why no spec can say it.
func (k *Kind) Import(o Observed, found Found) (json.RawMessage, error) {
	return k.imports.spec(o, found)
}

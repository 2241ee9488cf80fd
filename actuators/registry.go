package actuators

import (
	"slices"

	"plumbline/schema"
)

// Registry is a set of kinds. It implements schema.Kinds.
type Registry struct {
	kinds map[string]*Kind
	names []string
}

// NewRegistry makes a registry; two kinds of one name panic.
func NewRegistry(kinds ...*Kind) *Registry {
	r := &Registry{kinds: map[string]*Kind{}}
	for _, k := range kinds {
		if _, twice := r.kinds[k.Name]; twice {
			panic("internal error: two kinds are named " + k.Name)
		}
		r.kinds[k.Name] = k
		r.names = append(r.names, k.Name)
	}
	slices.Sort(r.names)
	return r
}

// Names lists the kinds, sorted.
func (r *Registry) Names() []string { return r.names }

// Kind finds a kind by name.
func (r *Registry) Kind(name string) (*Kind, bool) {
	k, ok := r.kinds[name]
	return k, ok
}

// Info finds a kind as the loader sees it.
func (r *Registry) Info(name string) (schema.KindInfo, bool) {
	k, ok := r.kinds[name]
	if !ok {
		return nil, false
	}
	return k, true
}

package nft

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"plumbline/actuators"
	"plumbline/schema"
)

// Owned is what one object has in the table: marked, or unmarked on the keys that it wants.
type Owned struct {
	ID       schema.ID
	Mark     *actuators.Mark
	Elements []Element
}

// Wanted tells which target wants which service, for unmarked elements.
type Wanted map[string]schema.ID

// WantedBy reads the services that targets want; services gives those of one spec.
func WantedBy[S any](targets []actuators.Target, services func(S) []string) (Wanted, error) {
	wanted := Wanted{}
	for _, t := range targets {
		var s S
		if err := json.Unmarshal(t.Spec, &s); err != nil {
			return nil, fmt.Errorf("internal error: cannot read the spec of %s: %w", t.ID, err)
		}
		for _, service := range services(s) {
			wanted[service] = t.ID
		}
	}
	return wanted, nil
}

// Scoped groups the elements of a kind's objects that the scope asks for. Of an object's marks the first element's stands
// for all. Unmarked elements of the kind's sets count for the target that wants their service, or else for an object
// named after the service; where a marked object has that ID too, they are left out: its ops refuse them.
func (s Services) Scoped(kind string, wanted Wanted, sc actuators.Scope, sets ...string) []Owned {
	var out []Owned
	if s.foreign() != nil {
		for _, t := range sc.Targets {
			out = append(out, Owned{ID: t.ID})
		}
		return out
	}
	owned := map[owner]*Owned{}
	for _, e := range s.Elements {
		o, ok := ownerOf(e, kind, wanted, sets)
		if !ok || !sc.All && !isTarget(sc, o.id) {
			continue
		}
		if owned[o] == nil {
			owned[o] = &Owned{ID: o.id, Mark: e.Mark()}
		}
		owned[o].Elements = append(owned[o].Elements, e)
	}
	for _, o := range slices.SortedFunc(maps.Keys(owned), compareOwners) {
		if n := len(out); n == 0 || out[n-1].ID != o.id || o.installation != "" {
			out = append(out, *owned[o])
		}
	}
	return out
}

// owner is an object and whose mark it bears; no mark is no installation.
type owner struct {
	id           schema.ID
	installation string
}

// compareOwners puts the unmarked last among those of one ID.
func compareOwners(a, b owner) int {
	return cmp.Or(cmp.Compare(a.id, b.id), cmp.Compare(b.installation, a.installation))
}

func ownerOf(e Element, kind string, wanted Wanted, sets []string) (owner, bool) {
	if mark := e.Mark(); mark != nil {
		return owner{mark.ID, mark.Installation}, mark.ID.Kind() == kind
	}
	service, _, _ := strings.Cut(e.Key, "#")
	if id, ok := wanted[service]; ok {
		return owner{id: id}, slices.Contains(sets, e.Set) || e.Set == Masq
	}
	name := strings.NewReplacer(":", "-", "/", "-").Replace(service)
	return owner{id: schema.MakeID(kind, name)}, slices.Contains(sets, e.Set)
}

func isTarget(sc actuators.Scope, id schema.ID) bool {
	return slices.ContainsFunc(sc.Targets, func(t actuators.Target) bool { return t.ID == id })
}

package nft

import (
	"cmp"
	"context"
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
	Elements []Element // sorted
	Broken   []string  // chains of the table that it depends on and that are not as they must be
	Halted   []string  // switches of forwarding that keep its packets from their targets: "net/ipv4/ip_forward=0"
	Strange  []string  // what stands in its way in the table and is not its own

	Elsewhere []string // rules of other tables that make this, where it is nothing of ours
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

// Look gives what the kind's objects that the scope asks for have in the table; sets are those of the kind. A table of that
// name which is not ours gives every target, with nothing.
func Look(ctx context.Context, kind string, wanted Wanted, sc actuators.Scope, sets ...string) ([]Owned, error) {
	var out []Owned
	if err := kept.view(ctx, func(s *Services) { out = s.scoped(kind, wanted, sc, sets) }); err != nil || len(out) == 0 {
		return out, err
	}
	now, err := readForwarding()
	for i := 0; i < len(out) && err == nil; i++ {
		if len(out[i].Elements) > 0 {
			out[i].Halted, err = now.blocking(out[i].Elements)
		}
	}
	return out, err
}

// scoped groups the elements of the objects that the scope asks for. Of an object's marks the first element's stands for all.
// Unmarked elements of the kind's sets count for the target that wants their service, or else for an object named after the
// service; where a marked object has that ID too, they are left out: its ops refuse them.
func (s *Services) scoped(kind string, wanted Wanted, sc actuators.Scope, sets []string) []Owned {
	var out []Owned
	if s.foreign() != nil {
		for _, t := range sc.Targets {
			out = append(out, Owned{ID: t.ID})
		}
		return out
	}
	owned, hooked := s.grouped(kind, wanted, sc, sets), hooked(table, s.chains, func(name string) bool { return baseChains[name] })
	for _, o := range slices.SortedFunc(maps.Keys(owned), compareOwners) {
		if n := len(out); n > 0 && out[n-1].ID == o.id && o.installation == "" {
			continue
		}
		group := owned[o]
		slices.SortFunc(group, func(a, b *entry) int { return compareElements(a.Element, b.Element) })
		one := Owned{ID: o.id, Mark: group[0].mark, Elements: make([]Element, len(group))}
		for i, e := range group {
			one.Elements[i] = e.Element
		}
		one.Broken = s.brokenFor(one.Elements)
		if one.Mark != nil {
			one.Strange = s.strange(*one.Mark, one.Elements, hooked)
		}
		out = append(out, one)
	}
	return out
}

// grouped are the entries in scope by their owner: of targets those that bear their ID, of everything all, and always those
// without a mark, which are few.
func (s *Services) grouped(kind string, wanted Wanted, sc actuators.Scope, sets []string) map[owner][]*entry {
	asked := make(map[schema.ID]bool, len(sc.Targets))
	for _, t := range sc.Targets {
		asked[t.ID] = true
	}
	owned := map[owner][]*entry{}
	marked := func(id schema.ID) {
		for _, e := range s.owners[id] {
			owned[e.owner()] = append(owned[e.owner()], e)
		}
	}
	if sc.All {
		for id := range s.owners {
			if id.Kind() == kind {
				marked(id)
			}
		}
	} else {
		for id := range asked {
			marked(id)
		}
	}
	for _, e := range s.owners[""] {
		if id, ok := unmarkedOf(e.Element, kind, wanted, sets); ok && (sc.All || asked[id]) {
			owned[owner{id: id}] = append(owned[owner{id: id}], e)
		}
	}
	return owned
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

func unmarkedOf(e Element, kind string, wanted Wanted, sets []string) (schema.ID, bool) {
	service, _, _ := strings.Cut(e.Key, "#")
	if id, ok := wanted[service]; ok {
		return id, slices.Contains(sets, e.Set) || e.Set == Masq
	}
	name := strings.NewReplacer(":", "-", "/", "-").Replace(service)
	return schema.MakeID(kind, name), slices.Contains(sets, e.Set)
}

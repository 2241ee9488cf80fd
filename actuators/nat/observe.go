package nat

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"plumbline/actuators"
	"plumbline/actuators/internal/nft"
	"plumbline/schema"
)

// State is the live state.
type State struct {
	Config Config `json:"config"`
	Status Status `json:"status"`
}

// Config is what operations decide.
type Config struct {
	Forwards   []string `json:"forwards,omitempty"`   // "203.0.113.3:80/tcp -> 10.1.1.12:80", sorted
	Masquerade []string `json:"masquerade,omitempty"` // "203.0.113.3:80/tcp", sorted
	Broken     []string `json:"broken,omitempty"`     // chains of the table that are not as they must be
}

// Status is empty: the kernel counts nothing here.
type Status struct{}

const arrow = " -> "

// stateOf is the live state that elements make.
func stateOf(elements []nft.Element, broken []string) State {
	c := Config{Broken: broken}
	for _, e := range nft.Sort(slices.Clone(elements)) {
		switch e.Set {
		case nft.Forwards:
			c.Forwards = append(c.Forwards, e.Key+arrow+e.Value)
		case nft.Masq:
			c.Masquerade = append(c.Masquerade, e.Key)
		}
	}
	return State{Config: c}
}

func observe(ctx context.Context, _ actuators.Host, sc actuators.Scope) ([]actuators.Live[State], error) {
	services, err := nft.Read(ctx)
	if err != nil {
		return nil, err
	}
	wanted, err := wantedKeys(sc.Targets)
	if err != nil {
		return nil, err
	}
	return group(services, wanted, sc), nil
}

// wantedKeys tells which target wants a service.
func wantedKeys(targets []actuators.Target) (map[string]schema.ID, error) {
	wanted := map[string]schema.ID{}
	for _, t := range targets {
		var s Spec
		if err := json.Unmarshal(t.Spec, &s); err != nil {
			return nil, fmt.Errorf("internal error: cannot read the spec of %s: %w", t.ID, err)
		}
		for _, p := range s.Ports {
			wanted[s.service(p)] = t.ID
		}
	}
	return wanted, nil
}

// owner is one thing to report: an object and whose mark it bears. Of a marked object the hash of its first element
// stands for all.
type owner struct {
	id           schema.ID
	installation string
}

func group(services nft.Services, wanted map[string]schema.ID, sc actuators.Scope) []actuators.Live[State] {
	elements, marks := map[owner][]nft.Element{}, map[owner]*actuators.Mark{}
	for _, e := range services.Elements {
		o, mark, ok := ownerOf(e, wanted)
		if !ok {
			continue
		}
		elements[o] = append(elements[o], e)
		if marks[o] == nil {
			marks[o] = mark
		}
	}
	var out []actuators.Live[State]
	for _, o := range sorted(elements) {
		if sc.All || isTarget(sc, o.id) {
			out = append(out, actuators.Live[State]{ID: o.id, Mark: marks[o], State: stateOf(elements[o], services.Broken)})
		}
	}
	return unique(out)
}

func ownerOf(e nft.Element, wanted map[string]schema.ID) (owner, *actuators.Mark, bool) {
	mark := e.Mark()
	switch {
	case mark != nil:
		return owner{mark.ID, mark.Installation}, mark, mark.ID.Kind() == "nat"
	case e.Set != nft.Forwards && e.Set != nft.Masq:
		return owner{}, nil, false
	}
	id, ok := wanted[e.Key]
	if !ok {
		id = schema.MakeID("nat", strings.NewReplacer(":", "-", "/", "-").Replace(e.Key))
	}
	return owner{id: id}, nil, true
}

func sorted(elements map[owner][]nft.Element) []owner {
	return slices.SortedFunc(maps.Keys(elements), func(a, b owner) int {
		if c := strings.Compare(string(a.id), string(b.id)); c != 0 {
			return c
		}
		return -strings.Compare(a.installation, b.installation) // unmarked last
	})
}

// unique keeps one report per object: a marked one wins over unmarked entries on its keys, which the ops refuse.
func unique(lives []actuators.Live[State]) []actuators.Live[State] {
	return slices.CompactFunc(lives, func(a, b actuators.Live[State]) bool { return a.ID == b.ID && b.Mark == nil })
}

func isTarget(sc actuators.Scope, id schema.ID) bool {
	return slices.ContainsFunc(sc.Targets, func(t actuators.Target) bool { return t.ID == id })
}

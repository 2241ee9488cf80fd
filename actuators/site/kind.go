// Package site is the kind of places that hosts stand in. Nothing of it is on any machine.
package site

import (
	"context"
	"fmt"
	"net/netip"

	"plumbline/actuators"
	"plumbline/schema"
)

// Spec is a site as declared; schema/site.cue says what the fields mean.
type Spec struct {
	Description string   `json:"description,omitempty"`
	Public      []string `json:"public,omitempty"`
}

// State is empty: a site is a word of the topology.
type State struct {
	Config struct{} `json:"config"`
	Status struct{} `json:"status"`
}

// Kind is the kind site; README.md describes it.
var Kind = actuators.Define(actuators.Def[Spec, State]{
	Name:     "site",
	Where:    schema.OnController,
	Ground:   true,
	Unmarked: true,
	Resolve:  resolve,
	Ranges:   ranges,
	Observe:  observe,
	Diff:     func(*Spec, actuators.Have[State]) actuators.Diff { return actuators.Diff{} },
	Steps: func(actuators.Subject, actuators.Diff, *Spec, actuators.Have[State]) ([]actuators.Step, error) {
		return nil, nil
	},
})

func resolve(id schema.ID, _ schema.Place, s *Spec, _ actuators.Lookup) []schema.Problem {
	var problems []schema.Problem
	for i, public := range s.Public {
		if p, err := netip.ParsePrefix(public); err != nil || p != p.Masked() {
			problems = append(problems, schema.Problem{Object: id, Path: fmt.Sprintf("public.%d", i), Text: public + " is not the first address of a range and a prefix length", Remedy: `write it as "203.0.113.0/24"`})
		}
	}
	return problems
}

func ranges(_ schema.Instance, s Spec) []schema.Range {
	var all []schema.Range
	for _, public := range s.Public {
		if p, err := netip.ParsePrefix(public); err == nil {
			all = append(all, schema.Range{Type: "addr", Scope: "public", Prefix: p.Masked()})
		}
	}
	return all
}

// observe gives back what was asked for: a declared site is there by being declared.
func observe(_ context.Context, _ actuators.Host, sc actuators.Scope) ([]actuators.Live[State], error) {
	found := make([]actuators.Live[State], 0, len(sc.Targets))
	for _, target := range sc.Targets {
		found = append(found, actuators.Live[State]{ID: target.ID})
	}
	return found, nil
}

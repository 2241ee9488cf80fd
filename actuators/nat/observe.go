package nat

import (
	"context"
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
	Forwarding []string `json:"forwarding,omitempty"` // switches that keep packets from their targets: "net/ipv4/ip_forward=0"
	Strange    []string `json:"strange,omitempty"`    // what of somebody else in the table stands in its way, with the remedy
}

// Status is reported, never compared.
type Status struct {
	Elsewhere string   `json:"elsewhere,omitempty"` // of rules in another table: why no declaration says them
	Rules     []string `json:"rules,omitempty"`     // of another table, that forward this: "table ip mynat, chain pre, rule 5"
}

const arrow = " -> "

// stateOf is the live state that elements make.
func stateOf(elements []nft.Element, broken []string) State {
	c := Config{Broken: broken}
	for _, e := range nft.Sorted(elements) {
		switch e.Set {
		case nft.Forwards:
			c.Forwards = append(c.Forwards, e.Key+arrow+e.Value)
		case nft.Masq:
			c.Masquerade = append(c.Masquerade, e.Key)
		}
	}
	return State{Config: c}
}

// elements is the inverse of stateOf.
func (c Config) elements() []nft.Element {
	var out []nft.Element
	for _, line := range c.Forwards {
		service, target, _ := strings.Cut(line, arrow)
		out = append(out, nft.Element{Set: nft.Forwards, Key: service, Value: target})
	}
	for _, service := range c.Masquerade {
		out = append(out, nft.Element{Set: nft.Masq, Key: service})
	}
	return out
}

func observe(ctx context.Context, h actuators.Host, sc actuators.Scope) ([]actuators.Live[State], error) {
	wanted, err := nft.WantedBy(sc.Targets, Spec.services)
	if err != nil {
		return nil, err
	}
	owned, err := nft.Look(ctx, "nat", wanted, sc, nft.Forwards)
	if err != nil {
		return nil, err
	}
	out := make([]actuators.Live[State], 0, len(owned))
	for _, o := range owned {
		state := stateOf(o.Elements, o.Broken)
		state.Config.Forwarding, state.Config.Strange = o.Halted, o.Strange
		out = append(out, actuators.Live[State]{ID: o.ID, Mark: o.Mark, State: state})
	}
	foreign, err := byOtherRules(ctx, sc, wanted, out)
	out = append(out, foreign...)
	if err == nil && sc.Discover {
		foreign, err = others(ctx, h)
		out = append(out, foreign...)
	}
	return out, err
}

// byOtherRules are the targets that are not in our table and that rules of other tables forward; to discover, all that those forward.
func byOtherRules(ctx context.Context, sc actuators.Scope, wanted nft.Wanted, ours []actuators.Live[State]) ([]actuators.Live[State], error) {
	here, missing := map[schema.ID]bool{}, sc.Discover
	for _, l := range ours {
		here[l.ID] = true
	}
	asked := map[schema.ID]bool{}
	for _, t := range sc.Targets {
		asked[t.ID], missing = true, missing || !here[t.ID]
	}
	if !missing {
		return nil, nil
	}
	all, err := nft.ForwardsElsewhere(ctx)
	var out []actuators.Live[State]
	for _, o := range nft.Unmarked(all, "nat", wanted) {
		if here[o.ID] || !asked[o.ID] && !sc.Discover {
			continue
		}
		state := stateOf(o.Elements, nil)
		if state.Status.Rules = o.Elsewhere; len(forwards(state.Config)) < len(o.Elements) {
			state.Config.Strange = []string{"several rules forward it: " + strings.Join(o.Elsewhere, ", ")}
		}
		out = append(out, actuators.Live[State]{ID: o.ID, State: state})
	}
	return out, err
}

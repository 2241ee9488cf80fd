package firewall

import (
	"context"
	"maps"
	"slices"
	"strconv"

	"plumbline/actuators"
	"plumbline/actuators/internal/nft"
	"plumbline/schema"
)

// State is the live state.
type State struct {
	Config Config `json:"config"`
	Status Status `json:"status"`
}

// Config is what operations decide. Ports and addresses are sorted and merged.
type Config struct {
	On         string   `json:"on,omitempty"`
	Interfaces []string `json:"interfaces,omitempty"`
	Default    string   `json:"default,omitempty"`
	Deny       []Rule   `json:"deny,omitempty"`
	Allow      []Rule   `json:"allow,omitempty"`
	Altered    []string `json:"altered,omitempty"` // rules and sets that are not as Plumbline writes this config
	Strange    []string `json:"strange,omitempty"` // chains of somebody else on hooks of our table, with the remedy
}

// Status is reported, never compared.
type Status struct {
	Elsewhere string `json:"elsewhere,omitempty"` // of rules in another table: why no declaration says them
}

// altered compares the chain with what its config would be written as.
func altered(name string, f *nft.Filter, c Config) []string {
	var mark actuators.Mark
	if m := f.Mark(); m != nil {
		mark = *m
	}
	want, err := render(name, mark, c)
	if err != nil {
		return []string{err.Error()}
	}
	if f.Same(want) {
		return nil
	}
	var out []string
	if f.Dormant {
		out = append(out, "table, dormant")
	}
	for i := range max(len(f.Rules), len(want.Rules)) {
		if i >= len(f.Rules) || i >= len(want.Rules) || !f.Rules[i].Same(want.Rules[i]) {
			out = append(out, "rule "+strconv.Itoa(i+1))
		}
	}
	have := setsByName(f)
	for set, s := range setsByName(want) {
		live, ok := have[set]
		if !ok && f.Mark() == nil && len(s.Elements) == 0 {
			continue // the set that bears the mark comes with the mark
		}
		if !ok || !live.Same(s) {
			out = append(out, "set "+set)
		}
		delete(have, set)
	}
	for set := range have {
		out = append(out, "set "+set)
	}
	slices.Sort(out)
	return out
}

func setsByName(f *nft.Filter) map[string]nft.FilterSet {
	m := map[string]nft.FilterSet{}
	for _, s := range f.Sets {
		m[s.Name] = s
	}
	return m
}

func observe(ctx context.Context, h actuators.Host, sc actuators.Scope) ([]actuators.Live[State], error) {
	asked := func(name string) bool {
		id := schema.MakeID("firewall", name)
		return sc.All || slices.ContainsFunc(sc.Targets, func(t actuators.Target) bool { return t.ID == id })
	}
	all, err := nft.Filters(ctx, asked)
	if err != nil {
		return nil, err
	}
	var out []actuators.Live[State]
	for _, name := range slices.Sorted(maps.Keys(all)) {
		c := parse(name, all[name])
		c.Strange = all[name].Strange
		out = append(out, actuators.Live[State]{ID: schema.MakeID("firewall", name), Mark: all[name].Mark(), State: State{Config: c}})
	}
	if sc.Discover {
		more, err := others(ctx, h)
		return append(out, more...), err
	}
	return out, nil
}

package balancer

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"plumbline/actuators"
	"plumbline/actuators/internal/nft"
)

// State is the live state.
type State struct {
	Config Config `json:"config"`
	Status Status `json:"status"`
}

// Config is what operations decide.
type Config struct {
	Service    string   `json:"service,omitempty"`    // "203.0.113.3:80/tcp"
	Backends   []string `json:"backends,omitempty"`   // "10.1.1.12:80", in the order of their index
	By         string   `json:"by,omitempty"`         // chance or source; what else stands there, as it stands
	Masquerade bool     `json:"masquerade,omitempty"` // backends see the host's address
	Broken     []string `json:"broken,omitempty"`     // chains that are not as they must be
	Stray      []string `json:"stray,omitempty"`      // entries that do not fit together with the others
	Forwarding []string `json:"forwarding,omitempty"` // switches that keep packets from the backends: "net/ipv4/ip_forward=0"
	Strange    []string `json:"strange,omitempty"`    // what of somebody else in the table stands in its way, with the remedy
}

// Status is empty: whether a backend is well now is not looked at.
type Status struct{}

// elements is what a balancer of this config has in the table.
func (c Config) elements() []nft.Element {
	n := len(c.Backends)
	chain := nft.Spread(n)
	if c.By == bySource {
		chain = nft.Source(n)
	}
	out := []nft.Element{{Set: nft.Balancers, Key: c.Service, Value: chain}}
	for i, b := range c.Backends {
		out = append(out, nft.Element{Set: nft.Backends, Key: c.Service + "#" + strconv.Itoa(i), Value: b})
	}
	if c.Masquerade {
		out = append(out, nft.Element{Set: nft.Masq, Key: c.Service})
	}
	return out
}

// configOf reads a balancer from its elements. Those that a balancer of that config would not have, or would have
// otherwise, are stray.
func configOf(elements []nft.Element, broken []string) Config {
	c := Config{Broken: broken}
	have := map[string]nft.Element{}
	for _, e := range elements {
		have[e.Set+" "+e.Key] = e
		if c.Service == "" || e.Set == nft.Balancers {
			c.Service, _, _ = strings.Cut(e.Key, "#")
		}
	}
	c.Backends = backendsOf(c.Service, elements)
	_, c.Masquerade = have[nft.Masq+" "+c.Service]
	switch chain := have[nft.Balancers+" "+c.Service].Value; chain {
	case nft.Spread(len(c.Backends)):
		c.By = "chance"
	case nft.Source(len(c.Backends)):
		c.By = bySource
	default:
		c.By = chain
	}
	c.Stray = stray(c, have)
	return c
}

// backendsOf are the backends of a service by index; a hole shows as stray entries behind it.
func backendsOf(service string, elements []nft.Element) []string {
	type indexed struct {
		index   int
		backend string
	}
	var all []indexed
	for _, e := range elements {
		of, index, _ := strings.Cut(e.Key, "#")
		if i, err := strconv.Atoi(index); e.Set == nft.Backends && of == service && err == nil {
			all = append(all, indexed{i, e.Value})
		}
	}
	slices.SortFunc(all, func(a, b indexed) int { return a.index - b.index })
	var out []string
	for _, one := range all {
		out = append(out, one.backend)
	}
	return out
}

func stray(c Config, have map[string]nft.Element) []string {
	for _, e := range c.elements() {
		delete(have, e.Set+" "+e.Key)
	}
	var out []string
	for place := range have {
		out = append(out, place)
	}
	slices.Sort(out)
	return out
}

func observe(ctx context.Context, _ actuators.Host, sc actuators.Scope) ([]actuators.Live[State], error) {
	wanted, err := nft.WantedBy(sc.Targets, Spec.services)
	if err != nil {
		return nil, err
	}
	owned, err := nft.Look(ctx, "balancer", wanted, sc, nft.Balancers, nft.Backends)
	if err != nil {
		return nil, err
	}
	out := make([]actuators.Live[State], 0, len(owned))
	for _, o := range owned {
		c := configOf(o.Elements, o.Broken)
		c.Forwarding, c.Strange = o.Halted, o.Strange
		out = append(out, actuators.Live[State]{ID: o.ID, Mark: o.Mark, State: State{Config: c}})
	}
	return out, nil
}

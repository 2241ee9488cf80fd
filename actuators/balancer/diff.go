package balancer

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"plumbline/actuators"
	"plumbline/actuators/internal/nft"
)

func diff(want *Spec, have actuators.Have[State]) actuators.Diff {
	var d actuators.Diff
	switch {
	case want == nil && have.Here == nil:
		return d
	case want == nil:
		return actuators.Diff{Action: actuators.Retire}
	case have.Here != nil && !have.Owned:
		return actuators.Diff{Action: actuators.Adopting}
	case have.Here == nil:
		d.Action = actuators.Create
		have.Here = &State{}
	}
	wanted, live := want.config(), have.Here.Config
	service(&d, live.Service, wanted.Service)
	d.Field("backends", live.Backends, wanted.Backends, actuators.EffectLive)
	d.Field("by", live.By, wanted.By, actuators.EffectLive)
	d.Field("masquerade", live.Masquerade, wanted.Masquerade, actuators.EffectLive)
	d.Field("broken", live.Broken, wanted.Broken, actuators.EffectLive)
	d.Field("stray", live.Stray, wanted.Stray, actuators.EffectLive)
	d.Field("forwarding", live.Forwarding, wanted.Forwarding, actuators.EffectLive)
	d.Field("strange", live.Strange, wanted.Strange, actuators.EffectNever)
	return d.Settle()
}

// service compares what clients ask for, "203.0.113.3:80/tcp", by the fields that declare it.
func service(d *actuators.Diff, live, wanted string) {
	from, to := parts(live), parts(wanted)
	for i, field := range []string{"public", "port", "proto"} {
		d.Field(field, orNil(from[i]), orNil(to[i]), actuators.EffectLive)
	}
}

func parts(service string) [3]string {
	address, rest, _ := strings.Cut(service, ":")
	port, proto, _ := strings.Cut(rest, "/")
	return [3]string{address, port, proto}
}

func orNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func steps(sub actuators.Subject, d actuators.Diff, want *Spec, have actuators.Have[State]) ([]actuators.Step, error) {
	switch d.Action {
	case actuators.None:
		return nil, nil
	case actuators.Create:
		return creation(sub, *want), nil
	case actuators.Adopting:
		p := params{Claim: nft.Claim{Mark: sub.Mark, Want: have.Here.Config.elements(), Adopt: true}}
		return []actuators.Step{actuators.NewStep("adopt", p, "take over "+have.Here.Config.text())}, nil
	case actuators.Update:
		steps := changes(sub, *want, have.Here.Config)
		if len(steps) == 0 {
			return nil, nft.Strange(have.Here.Config.Strange)
		}
		return steps, nil
	case actuators.Retire:
		p := params{Claim: nft.Claim{Mark: sub.Mark}}
		return []actuators.Step{actuators.NewStep("remove", p, "stop spreading "+have.Here.Config.text())}, nil
	}
	return nil, fmt.Errorf("%w: balancer cannot %s", actuators.ErrRefused, d.Action)
}

func (c Config) text() string { return c.Service + " over " + strings.Join(c.Backends, ", ") }

func creation(sub actuators.Subject, want Spec) []actuators.Step {
	c := want.config()
	p := params{Claim: nft.Claim{Mark: sub.Mark, Want: c.elements()}}
	for _, b := range c.Backends {
		if ask, ok := want.probe(b); ok {
			p.Probes = append(p.Probes, ask)
		}
	}
	return []actuators.Step{actuators.NewStep("create", p, "spread "+c.text())}
}

// changes are the steps of an update: first the host's forwarding and what else differs, then new backends one by one, then the old ones leave.
func changes(sub actuators.Subject, want Spec, live Config) []actuators.Step {
	final, now := want.config(), want.config()
	now.Backends = slices.Clone(live.Backends)
	slices.Sort(now.Backends)
	now.Backends = slices.Compact(now.Backends)
	var out []actuators.Step
	step := func(op, summary string, probes []probe) {
		p := params{Claim: nft.Claim{Mark: sub.Mark, Want: now.elements()}, Probes: probes}
		out = append(out, actuators.NewStep(op, p, summary))
	}
	if len(live.Forwarding) > 0 {
		out = append(out, nft.UnblockStep(sub.Mark, live.Forwarding))
	}
	live.Forwarding, live.Strange = nil, nil
	if len(now.Backends) > 0 && !reflect.DeepEqual(now, live) {
		step("replace", "rewrite "+now.text(), nil)
	}
	for _, b := range final.Backends {
		if slices.Contains(now.Backends, b) {
			continue
		}
		now.Backends = append(now.Backends, b)
		slices.Sort(now.Backends)
		var probes []probe
		if ask, ok := want.probe(b); ok {
			probes = []probe{ask}
		}
		step("add-backend", "let "+b+" in", probes)
	}
	for _, b := range slices.Clone(now.Backends) {
		if i := slices.Index(now.Backends, b); !slices.Contains(final.Backends, b) {
			now.Backends = slices.Delete(slices.Clone(now.Backends), i, i+1)
			step("remove-backend", "take "+b+" out; its connections go on", nil)
		}
	}
	return out
}

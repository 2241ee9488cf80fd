package bridge

import (
	"fmt"
	"strings"

	"plumbline/actuators"
)

func diff(want *Spec, have actuators.Have[State]) actuators.Diff {
	d := actuators.Diff{}
	switch {
	case want == nil && have.Here != nil:
		d.Action = actuators.Retire
		return d
	case want == nil:
		return d
	case have.Here != nil && !have.Owned:
		d.Action = actuators.Adopting
		return d
	case have.Here == nil:
		d.Action = actuators.Create
		have.Here = &State{}
		d.Field("interface", nil, want.Resolved.Interface, "")
	default:
		d.Field("interface", have.Here.Config.Interface, want.Resolved.Interface, actuators.EffectNever)
	}
	live := have.Here.Config
	d.Field("ports", list(live.Ports), list(want.ports()), actuators.EffectLive)
	if want.MTU != 0 {
		d.Field("mtu", live.MTU, want.MTU, actuators.EffectLive)
	}
	d.Field("down", list(live.Down), nil, actuators.EffectLive)
	return d.Settle()
}

// list is a JSON list, or nothing when it is empty.
func list(names []string) any {
	if len(names) == 0 {
		return nil
	}
	return names
}

func steps(sub actuators.Subject, d actuators.Diff, want *Spec, have actuators.Have[State]) ([]actuators.Step, error) {
	p := params{Mark: sub.Mark}
	if want != nil {
		p.Interface, p.Ports, p.MTU = want.Resolved.Interface, want.ports(), want.MTU
	}
	switch d.Action {
	case actuators.Create:
		return []actuators.Step{actuators.NewStep("create", p, "make bridge "+with(p.Interface, p.Ports))}, nil
	case actuators.Adopting:
		if have.Here.Status.Kind != "" {
			return nil, fmt.Errorf("%w: cannot take over %s: it is no bridge", actuators.ErrRefused, p.Interface)
		}
		return []actuators.Step{actuators.NewStep("adopt", p, "mark bridge "+p.Interface)}, nil
	case actuators.Retire:
		live := have.Here.Config
		p.Interface, p.Ports = live.Interface, live.Ports
		step := actuators.NewStep("remove", p, "remove bridge "+with(p.Interface, p.Ports))
		step.Disruptive = "what is plugged into it is cut off"
		return []actuators.Step{step}, nil
	case actuators.Update:
		return changes(d, p, have.Here.Config)
	}
	return nil, nil
}

func changes(d actuators.Diff, p params, live Config) ([]actuators.Step, error) {
	var all []actuators.Step
	for _, c := range d.Changes {
		switch c.Path {
		case "interface":
			return nil, fmt.Errorf("%w: cannot rename bridge %s to %s under what is plugged into it; declare a second bridge", actuators.ErrRefused, live.Interface, p.Interface)
		case "ports":
			step := actuators.NewStep("set-ports", p, fmt.Sprintf("plug [%s] instead of [%s] into %s", strings.Join(p.Ports, " "), strings.Join(live.Ports, " "), p.Interface))
			step.Disruptive = "down for seconds where a port moves"
			all = append(all, step)
		case "mtu":
			all = append(all, actuators.NewStep("set-mtu", p, fmt.Sprintf("MTU %d → %d", live.MTU, p.MTU)))
		case "down":
			all = append(all, actuators.NewStep("up", p, "switch on "+strings.Join(live.Down, ", ")))
		}
	}
	return all, nil
}

func with(name string, ports []string) string {
	if len(ports) == 0 {
		return name
	}
	return name + " with " + strings.Join(ports, ", ")
}

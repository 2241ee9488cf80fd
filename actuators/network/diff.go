package network

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
		d.Field("bridge", nil, want.Resolved.Interface, "")
		return d
	}
	live := have.Here.Config
	d.Field("mode", live.Mode, mode, actuators.EffectNever)
	d.Field("bridge", live.Bridge, want.Resolved.Interface, actuators.EffectRestart)
	d.Field("active", live.Active, true, actuators.EffectLive)
	d.Field("autostart", live.Autostart, true, actuators.EffectLive)
	return d.Settle()
}

func steps(sub actuators.Subject, d actuators.Diff, want *Spec, have actuators.Have[State]) ([]actuators.Step, error) {
	p := params{Mark: sub.Mark, Network: sub.Instance.ID.Name()}
	if want != nil {
		p.Bridge = want.Resolved.Interface
	}
	switch d.Action {
	case actuators.Create:
		return one("create", p, fmt.Sprintf("define and start network %s on %s", p.Network, p.Bridge), ""), nil
	case actuators.Adopting:
		return one("adopt", p, "mark network "+p.Network, ""), nil
	case actuators.Retire:
		return one("remove", p, "stop and forget network "+p.Network, ""), nil
	case actuators.Update:
		return changes(d, p, have.Here.Config)
	}
	return nil, nil
}

// changes are one step: a network that gets another bridge is started with it.
func changes(d actuators.Diff, p params, live Config) ([]actuators.Step, error) {
	var missing []string
	for _, c := range d.Changes {
		switch c.Path {
		case "mode":
			return nil, fmt.Errorf("%w: network %s forwards in mode %q, and only those of mode %q are managed", actuators.ErrRefused, p.Network, live.Mode, mode)
		case "bridge":
			return one("redefine", p, fmt.Sprintf("bridge %s → %s", live.Bridge, p.Bridge), "guests follow at their next start"), nil
		default:
			missing = append(missing, c.Path)
		}
	}
	return one("start", p, "make network "+p.Network+" "+strings.Join(missing, " and "), ""), nil
}

func one(op string, p params, summary, disruptive string) []actuators.Step {
	step := actuators.NewStep(op, p, summary)
	step.Disruptive = disruptive
	return []actuators.Step{step}
}

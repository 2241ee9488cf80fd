package vip

import (
	"fmt"

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
	}
	live, wanted := have.Here.Config, want.router()
	d.Field("interface", live.Interface, wanted.Interface, actuators.EffectLive)
	d.Field("address", live.Address, wanted.Address, actuators.EffectLive)
	d.Field("vrid", live.VRID, wanted.VRID, actuators.EffectLive)
	d.Field("priority", live.Priority, wanted.Priority, actuators.EffectLive)
	d.Field("advert", live.Advert, wanted.Advert, actuators.EffectLive)
	d.Field("failback", live.Failback, wanted.Failback, actuators.EffectLive)
	d.Field("group", orNil(live.Group), orNil(wanted.Group), actuators.EffectLive)
	d.Field("apart", live.Apart, false, actuators.EffectLive)
	d.Field("edited", live.Edited, "", actuators.EffectLive)
	d.Field("stopped", live.Stopped, false, actuators.EffectLive)
	return d.Settle()
}

func orNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func steps(sub actuators.Subject, d actuators.Diff, want *Spec, have actuators.Have[State]) ([]actuators.Step, error) {
	p := params{Mark: sub.Mark, Name: sub.Instance.ID.Name()}
	if want != nil {
		p.Router = want.router()
	}
	switch d.Action {
	case actuators.Create:
		return one("create", p, fmt.Sprintf("share %s on %s, priority %d", p.Address, p.Interface, p.Priority), ""), nil
	case actuators.Adopting:
		return one("adopt", p, "mark "+confPath(p.Name), ""), nil
	case actuators.Retire:
		return one("remove", p, "give up "+have.Here.Config.Address, "nobody answers on it any more when the last host gives it up"), nil
	case actuators.Update:
		if len(d.Changes) == 1 && d.Changes[0].Path == "stopped" {
			return one("run", p, "start keepalived", ""), nil
		}
		return one("update", p, fmt.Sprintf("share %s on %s, priority %d", p.Address, p.Interface, p.Priority), "the address may move for a moment"), nil
	}
	return nil, nil
}

func one(op string, p params, summary, disruptive string) []actuators.Step {
	step := actuators.NewStep(op, p, summary)
	step.Disruptive = disruptive
	return []actuators.Step{step}
}

package address

import (
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
	live := have.Here.Config
	d.Field("interface", orNil(live.Interface), want.Interface, actuators.EffectLive)
	d.Field("address", orNil(live.Address), want.place().Address.String(), actuators.EffectLive)
	d.Field("down", live.Down, false, actuators.EffectLive)
	return d.Settle()
}

func orNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func steps(sub actuators.Subject, d actuators.Diff, want *Spec, have actuators.Have[State]) ([]actuators.Step, error) {
	p := params{Mark: sub.Mark}
	if want != nil {
		p.Place = want.place()
	}
	switch d.Action {
	case actuators.Create:
		return one("add", p, "add "+p.Place.String(), ""), nil
	case actuators.Adopting:
		p.Place = have.Here.Config.place()
		return one("adopt", p, "take over "+p.Place.String(), ""), nil
	case actuators.Retire:
		p.Place = have.Here.Config.place()
		return one("remove", p, "remove "+p.Place.String(), "nobody answers on it any more"), nil
	case actuators.Update:
		if live := have.Here.Config.place(); live != p.Place {
			return one("move", p, live.String()+" → "+p.Place.String(), "the old address no longer answers"), nil
		}
		return one("up", p, "switch on "+p.Interface, ""), nil
	}
	return nil, nil
}

func one(op string, p params, summary, disruptive string) []actuators.Step {
	step := actuators.NewStep(op, p, summary)
	step.Disruptive = disruptive
	return []actuators.Step{step}
}

func (c Config) place() Place { return Spec{Interface: c.Interface, Address: c.Address}.place() }

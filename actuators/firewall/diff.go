package firewall

import (
	"fmt"
	"slices"

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
	live := have.Here.Config
	wanted, err := want.config()
	if err != nil {
		d.Notes = append(d.Notes, err.Error()) // Resolve reported it; Steps refuses
	}
	d.Field("on", live.On, wanted.On, actuators.EffectLive)
	d.Field("interfaces", live.Interfaces, wanted.Interfaces, actuators.EffectLive)
	d.Field("default", live.Default, wanted.Default, actuators.EffectLive)
	d.Field("deny", live.Deny, wanted.Deny, actuators.EffectLive)
	d.Field("allow", live.Allow, wanted.Allow, actuators.EffectLive)
	d.Field("altered", live.Altered, wanted.Altered, actuators.EffectLive)
	d.Field("strange", live.Strange, wanted.Strange, actuators.EffectNever)
	return d.Settle()
}

func steps(sub actuators.Subject, d actuators.Diff, want *Spec, have actuators.Have[State]) ([]actuators.Step, error) {
	p := params{Name: sub.Instance.ID.Name(), Mark: sub.Mark}
	if want != nil && d.Action != actuators.Adopting {
		c, err := want.config()
		if err != nil {
			return nil, fmt.Errorf("%w: %w", actuators.ErrRefused, err)
		}
		p.Want = &c
	}
	switch d.Action {
	case actuators.None:
		return nil, nil
	case actuators.Create:
		return one("create", p, "filter "+want.text()), nil
	case actuators.Update:
		if !slices.ContainsFunc(d.Changes, func(c actuators.Change) bool { return c.Path != "strange" }) && len(have.Here.Config.Strange) > 0 {
			return nil, nft.Strange(have.Here.Config.Strange)
		}
		return one("replace", p, "filter "+want.text()), nil
	case actuators.Adopting:
		return one("adopt", p, "take over the chain as it is"), nil
	case actuators.Retire:
		return one("remove", p, "filter no more"), nil
	}
	return nil, fmt.Errorf("%w: firewall cannot %s", actuators.ErrRefused, d.Action)
}

func one(op string, p params, summary string) []actuators.Step {
	return []actuators.Step{actuators.NewStep(op, p, summary)}
}

func (s Spec) text() string {
	return fmt.Sprintf("%s: %d deny, %d allow, else %s", s.On, len(s.Deny), len(s.Allow), s.Default)
}

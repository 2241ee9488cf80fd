package zone

import (
	"fmt"

	"plumbline/actuators"
)

// diff has nothing to say but that a wanted zone is not there. One that is no longer wanted is only forgotten.
func diff(want *Spec, have actuators.Have[State]) actuators.Diff {
	d := actuators.Diff{}
	if want != nil && have.Here == nil {
		d.Action = actuators.Create
		d.Field("server", nil, want.Server, actuators.EffectNever)
	}
	return d
}

func steps(sub actuators.Subject, d actuators.Diff, want *Spec, _ actuators.Have[State]) ([]actuators.Step, error) {
	if d.Action != actuators.Create {
		return nil, nil
	}
	name := sub.Instance.ID.Name()
	return nil, fmt.Errorf("%w: server %s does not serve zone %s; zones are not made by Plumbline: configure %s there, with transfer and update allowed to key %q", actuators.ErrRefused, want.Server, name, name, want.Key.Name)
}

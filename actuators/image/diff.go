package image

import (
	"path/filepath"

	"plumbline/actuators"
)

func diff(want *Spec, have actuators.Have[State]) actuators.Diff {
	d := actuators.Diff{}
	switch {
	case want == nil && have.Here != nil:
		d.Action = actuators.Retire
	case want == nil:
	case have.Here != nil && !have.Owned:
		d.Action = actuators.Adopting
	case have.Here != nil:
		d.Field("sha256", have.Here.Config.SHA256, want.SHA256, "")
		d.Field("dir", have.Here.Config.Dir, filepath.Clean(want.Dir), "")
	case have.Retired != nil && have.Retired.Config.SHA256 == want.SHA256:
		d.Action = actuators.Restore
	default:
		d.Action = actuators.Create
		d.Field("sha256", nil, want.SHA256, "")
	}
	return d.Settle()
}

func steps(sub actuators.Subject, d actuators.Diff, want *Spec, have actuators.Have[State]) ([]actuators.Step, error) {
	p := params{Mark: sub.Mark}
	if want != nil {
		p.Path, p.Source, p.SHA256 = Path(want.Dir, sub.Instance.ID.Name()), want.Source, want.SHA256
	}
	switch d.Action {
	case actuators.Create, actuators.Update:
		return one("fetch", p, "fetch "+want.Source), nil
	case actuators.Adopting:
		return one("adopt", p, "mark "+p.Path), nil
	case actuators.Restore:
		p.Retired = have.Retired.Status.Path
		return one("restore", p, "rename "+p.Retired+" back"), nil
	case actuators.Retire:
		p.Path, p.SHA256 = have.Here.Status.Path, have.Here.Config.SHA256
		return one("retire", p, "set "+p.Path+" aside"), nil
	case actuators.Purge:
		p.Retired = have.Retired.Status.Path
		return one("purge", p, "delete "+p.Retired+" for good"), nil
	}
	return nil, nil
}

func one(op string, p params, summary string) []actuators.Step {
	return []actuators.Step{actuators.NewStep(op, p, summary)}
}

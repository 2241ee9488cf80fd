package pool

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
	case want == nil:
	case have.Here != nil && !have.Owned:
		d.Action = actuators.Adopting
	case have.Here == nil:
		d.Action = actuators.Create
		d.Field("dir", nil, want.Dir, "")
	default:
		d.Field("dir", have.Here.Config.Dir, want.Dir, actuators.EffectNever)
	}
	return d.Settle()
}

func steps(sub actuators.Subject, d actuators.Diff, want *Spec, have actuators.Have[State]) ([]actuators.Step, error) {
	switch d.Action {
	case actuators.Create:
		return one("create", sub, want.Dir, "make "+want.Dir), nil
	case actuators.Adopting:
		return one("adopt", sub, have.Here.Config.Dir, "mark "+have.Here.Config.Dir), nil
	case actuators.Retire:
		if err := mustBeEmpty(have.Here.Config.Dir, have.Here.Status.Holds, have.Here.Status.Count); err != nil {
			return nil, err
		}
		return one("remove", sub, have.Here.Config.Dir, "remove the marker of "+have.Here.Config.Dir), nil
	case actuators.Update:
		return nil, fmt.Errorf("%w: cannot move a pool from %s to %s: its volumes would stay behind; declare a second pool", actuators.ErrRefused, have.Here.Config.Dir, want.Dir)
	}
	return nil, nil
}

func one(op string, sub actuators.Subject, dir, summary string) []actuators.Step {
	return []actuators.Step{actuators.NewStep(op, params{Mark: sub.Mark, Dir: dir}, summary)}
}

func mustBeEmpty(dir string, first []string, count int) error {
	if count == 0 {
		return nil
	}
	names := strings.Join(first[:min(len(first), namesShown)], ", ")
	if count > namesShown {
		names += fmt.Sprintf(" and %d more", count-namesShown)
	}
	return fmt.Errorf("%w: cannot remove the pool %s: it holds %s; nothing in a pool is deleted with it: keep it declared until its volumes are purged", actuators.ErrRefused, dir, names)
}

package volume

import (
	"fmt"
	"maps"
	"slices"

	"plumbline/actuators"
	"plumbline/schema"
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
		compare(&d, want, have.Here.Config)
	case have.Retired != nil:
		d.Action = actuators.Restore
		compare(&d, want, have.Retired.Config)
	case len(have.Elsewhere) > 0:
		d.Action = actuators.Migrate
	default:
		d.Action = actuators.Create
		d.Field("size", nil, want.Size, "")
		d.Field("format", nil, want.Format, "")
	}
	return d.Settle()
}

func compare(d *actuators.Diff, want *Spec, have Config) {
	if have == (Config{}) { // it cannot be read as a disk of its format
		d.Field("format", "unreadable", want.Format, actuators.EffectNever)
		return
	}
	if live := schema.FormatSize(have.Size); have.Size < want.bytes() {
		d.Field("size", live, want.Size, actuators.EffectLive)
	} else if have.Size > want.bytes() {
		d.Notes = append(d.Notes, fmt.Sprintf("live size %s is above the declared %s; a volume never shrinks", live, want.Size))
	}
	d.Field("format", have.Format, want.Format, actuators.EffectNever)
}

func steps(sub actuators.Subject, d actuators.Diff, want *Spec, have actuators.Have[State]) ([]actuators.Step, error) {
	p := params{Mark: sub.Mark}
	if want != nil {
		p = wanted(sub, want)
	}
	switch d.Action {
	case actuators.Create:
		return []actuators.Step{actuators.NewStep("create", p, createSummary(want))}, nil
	case actuators.Adopting:
		p.Path = have.Here.Status.Path
		return []actuators.Step{actuators.NewStep("adopt", p, "mark "+p.Path)}, nil
	case actuators.Update:
		if broken := have.Here.Status.Broken; broken != "" {
			return nil, fmt.Errorf("%w: cannot change %s: it is no readable disk: %s; mend it or put a copy back", actuators.ErrRefused, have.Here.Status.Path, broken)
		}
		return growSteps(p, want, have.Here.Config)
	case actuators.Restore:
		return restoreSteps(p, want, have.Retired)
	case actuators.Retire:
		p.Path, p.Format, p.Size = have.Here.Status.Path, have.Here.Config.Format, have.Here.Config.Size
		return []actuators.Step{actuators.NewStep("retire", p, "set "+p.Path+" aside")}, nil
	case actuators.Purge:
		p.Retired, p.Format = have.Retired.Status.Path, have.Retired.Config.Format
		summary := fmt.Sprintf("delete %s for good (%s)", p.Retired, schema.FormatSize(have.Retired.Config.Size))
		return []actuators.Step{actuators.NewStep("purge", p, summary)}, nil
	case actuators.Migrate:
		hosts := slices.Sorted(maps.Keys(have.Elsewhere))
		return nil, fmt.Errorf("%w: cannot move %s: its data is on %s; declare it there", actuators.ErrRefused, sub.Instance.ID, hosts[0])
	}
	return nil, nil
}

func wanted(sub actuators.Subject, want *Spec) params {
	return params{Mark: sub.Mark, Pool: home(*want), Dir: want.Resolved.Dir, Path: want.Resolved.Path,
		Format: want.Format, Size: want.bytes(), Image: want.Resolved.Image, ImageID: imageID(want)}
}

func imageID(want *Spec) schema.ID {
	if want.From == "" {
		return ""
	}
	return schema.MakeID("image", want.From)
}

func createSummary(want *Spec) string {
	text := "make " + want.Size + " " + want.Format
	if want.From != "" {
		text += " from image/" + want.From
	}
	return text
}

func growSteps(p params, want *Spec, have Config) ([]actuators.Step, error) {
	if have.Format != want.Format {
		return nil, fmt.Errorf("%w: cannot change the format of %s from %s to %s: declare a second volume and copy", actuators.ErrRefused, p.Mark.ID, have.Format, want.Format)
	}
	if have.Size >= p.Size {
		return nil, nil
	}
	return []actuators.Step{actuators.NewStep("grow", p, "grow "+schema.FormatSize(have.Size)+" → "+want.Size)}, nil
}

// restoreSteps puts a retired file back with the size it has, then grows it if more is declared.
func restoreSteps(p params, want *Spec, retired *State) ([]actuators.Step, error) {
	more, err := growSteps(p, want, retired.Config)
	if err != nil {
		return nil, err
	}
	p.Retired, p.Size = retired.Status.Path, retired.Config.Size
	return append([]actuators.Step{actuators.NewStep("restore", p, "rename "+p.Retired+" back")}, more...), nil
}

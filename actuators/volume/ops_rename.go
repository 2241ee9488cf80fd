package volume

import (
	"context"
	"fmt"
	"path/filepath"

	"plumbline/actuators"
	"plumbline/actuators/internal/files"
	"plumbline/schema"
)

// renaming gives a file of an earlier name, and that name's mark, those of the volume.
type renaming struct {
	Mark   actuators.Mark `json:"mark"`
	Was    actuators.Mark `json:"was"`
	From   string         `json:"from"`
	Path   string         `json:"path"` // as From when the volume names its file
	Config Config         `json:"config"`
}

func renameSteps(sub actuators.Subject, was schema.ID, want *Spec, have actuators.Have[State]) ([]actuators.Step, error) {
	p := renaming{Mark: sub.Mark, Was: *have.Mark, From: have.Here.Status.Path, Path: want.Resolved.Path, Config: have.Here.Config}
	if filepath.Dir(p.From) != want.Resolved.Dir {
		return nil, fmt.Errorf("%w: its file is %s and would have to go to %s; keep it in its pool", actuators.ErrRefused, p.From, want.Resolved.Dir)
	}
	summary := "rename " + p.From + " to " + filepath.Base(p.Path)
	if p.From == p.Path {
		summary = "mark " + p.From + " as " + string(sub.Instance.ID) + ", no more as " + string(was)
	}
	return []actuators.Step{actuators.NewStep(actuators.OpRename, p, summary)}, nil
}

var rename = actuators.Op[renaming, none, State]{
	Name: actuators.OpRename, Reversal: actuators.Exact,
	Preflight: func(_ context.Context, h actuators.Host, p renaming) error { return mayRename(h, p) },
	Capture: func(_ context.Context, h actuators.Host, p renaming) (none, error) {
		return none{}, mayRename(h, p)
	},
	Do: func(_ context.Context, h actuators.Host, p renaming, _ none) error {
		if err := unused(p); err != nil {
			return err
		}
		return files.Rename(h, p.From, p.Path, p.Was, p.Mark)
	},
	Undo: func(_ context.Context, h actuators.Host, p renaming, _ none) error {
		used, err := written(p.Path)
		if err == nil && used && p.From != p.Path {
			err = fmt.Errorf("cannot rename %s back: %w", p.Path, errInUse)
		}
		if err != nil {
			return err
		}
		return files.Rename(h, p.Path, p.From, p.Mark, p.Was)
	},
	Predict: func(p renaming, have *State) *State {
		after := State{Config: p.Config}
		if have != nil {
			after = *have
		}
		after.Status.Path = p.Path
		return &after
	},
}

func mayRename(h actuators.Host, p renaming) error {
	stamp, _, err := files.Own(h, p.From, p.Was)
	if err == nil && stamp == nil {
		err = fmt.Errorf("cannot find the volume file %s: %w", p.From, actuators.ErrNotFound)
	}
	if err != nil {
		return err
	}
	return unused(p)
}

// unused refuses while a guest runs from the file: it would run on, and never start again.
func unused(p renaming) error {
	if p.From == p.Path {
		return nil
	}
	used, err := written(p.From)
	if err == nil && used {
		err = fmt.Errorf("cannot rename %s: %w: a guest runs from it; stop that (power: \"stopped\"), or let the file keep its name (file: %q in the volume)",
			p.From, actuators.ErrRefused, filepath.Base(p.From))
	}
	return err
}

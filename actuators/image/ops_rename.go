package image

import (
	"context"
	"fmt"
	"path/filepath"

	"plumbline/actuators"
	"plumbline/actuators/internal/files"
	"plumbline/schema"
)

// renaming gives a file of an earlier name, and that name's mark, those of the image. It stays in its directory.
type renaming struct {
	Mark   actuators.Mark `json:"mark"`
	Was    actuators.Mark `json:"was"`
	From   string         `json:"from"`
	Path   string         `json:"path"`
	Config Config         `json:"config"`
}

func renameSteps(sub actuators.Subject, _ schema.ID, _ *Spec, have actuators.Have[State]) ([]actuators.Step, error) {
	c := have.Here.Config
	p := renaming{Mark: sub.Mark, Was: *have.Mark, From: have.Here.Status.Path, Path: Path(c.Dir, sub.Instance.ID.Name()), Config: c}
	return []actuators.Step{actuators.NewStep(actuators.OpRename, p, "rename "+p.From+" to "+filepath.Base(p.Path))}, nil
}

var rename = actuators.Op[renaming, none, State]{
	Name: actuators.OpRename, Reversal: actuators.Exact,
	Capture: func(_ context.Context, h actuators.Host, p renaming) (none, error) {
		stamp, _, err := files.Own(h, p.From, p.Was)
		if err == nil && stamp == nil {
			err = fmt.Errorf("cannot rename %s: %w", p.From, actuators.ErrNotFound)
		}
		return none{}, err
	},
	Do: func(_ context.Context, h actuators.Host, p renaming, _ none) error {
		return files.Rename(h, p.From, p.Path, p.Was, p.Mark)
	},
	Undo: func(_ context.Context, h actuators.Host, p renaming, _ none) error {
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

package conform

import (
	"context"
	"errors"
	"fmt"
	"time"

	"plumbline/actuators"
	"plumbline/schema"
)

type toyRenaming struct {
	Mark   actuators.Mark `json:"mark"`
	Was    actuators.Mark `json:"was"`
	Config toyConfig      `json:"config"`
}

func (k toy) rename(sub actuators.Subject, _ schema.ID, _ *toySpec, have actuators.Have[toyState]) ([]actuators.Step, error) {
	return []actuators.Step{actuators.NewStep(actuators.OpRename, toyRenaming{sub.Mark, *have.Mark, have.Here.Config}, "rename it")}, nil
}

func (k toy) renameOp() actuators.AnyOp {
	return actuators.Op[toyRenaming, toyBefore, toyState]{
		Name: actuators.OpRename, Reversal: actuators.Exact, Timeout: 300 * time.Millisecond,
		Capture: func(_ context.Context, h actuators.Host, p toyRenaming) (b toyBefore, err error) {
			if b.File, err = read(h, path(h, p.Was.ID.Name())); err == nil && b.File == nil {
				err = fmt.Errorf("cannot rename it: %w", actuators.ErrNotFound)
			}
			return b, err
		},
		Do: func(ctx context.Context, h actuators.Host, p toyRenaming, _ toyBefore) error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return k.move(h, p.Was, p.Mark, k.fault == "leaves the earlier name")
		},
		Undo: func(_ context.Context, h actuators.Host, p toyRenaming, _ toyBefore) error {
			if k.fault == "forgets the earlier name" {
				return errors.Join(write(h, path(h, p.Mark.ID.Name()), nil), setListed(h, p.Mark.ID.Name(), false))
			}
			return k.move(h, p.Mark, p.Was, false)
		},
		Predict: func(p toyRenaming, have *toyState) *toyState {
			if have != nil {
				return have
			}
			return &toyState{Config: p.Config}
		},
	}
}

// move gives a file another name and mark, and finishes a move that was cut short.
func (k toy) move(h actuators.Host, from, to actuators.Mark, leave bool) error {
	was, now := from.ID.Name(), to.ID.Name()
	f, err := read(h, path(h, was))
	if err != nil || f == nil {
		return err
	}
	f.Mark = &to
	if err := errors.Join(write(h, path(h, now), f), setListed(h, now, true)); err != nil || leave {
		return err
	}
	return errors.Join(setListed(h, was, false), write(h, path(h, was), nil))
}

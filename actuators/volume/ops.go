package volume

import (
	"context"
	"errors"
	"fmt"
	"time"

	"plumbline/actuators"
	"plumbline/actuators/internal/files"
	"plumbline/actuators/internal/virt"
	"plumbline/schema"
)

var grow = actuators.Op[params, none, State]{
	Name: "grow", Reversal: actuators.Kept, Timeout: time.Minute,
	Preflight: func(_ context.Context, h actuators.Host, p params) error {
		_, _, err := files.Own(h, p.Path, p.Mark)
		return err
	},
	Capture: func(_ context.Context, h actuators.Host, p params) (none, error) {
		_, err := mine(h, p)
		return none{}, err
	},
	Do: doGrow,
	Predict: func(p params, have *State) *State {
		after := p.state()
		if have != nil {
			after.Config.Size = max(have.Config.Size, p.Size)
		}
		return after
	},
}

type none struct{}

// mine gives the file of the volume, or fails.
func mine(h actuators.Host, p params) (*files.Stamp, error) {
	stamp, _, err := files.Own(h, p.Path, p.Mark)
	if err == nil && stamp == nil {
		err = fmt.Errorf("cannot find the volume file %s: %w", p.Path, actuators.ErrNotFound)
	}
	return stamp, err
}

func doGrow(ctx context.Context, h actuators.Host, p params, _ none) error {
	if _, err := mine(h, p); err != nil {
		return err
	}
	have, err := inspect(ctx, h, p.Path, p.Format)
	if err != nil || have.Size >= p.Size {
		return err
	}
	err = resize(ctx, h, p.Path, p.Format, p.Size)
	if errors.Is(err, errInUse) {
		err = growLive(ctx, h, p, err)
	}
	if err != nil {
		return fmt.Errorf("cannot grow %s to %s: %w", p.Path, schema.FormatSize(p.Size), err)
	}
	return nil
}

// growLive grows a disk through the hypervisor that holds it.
func growLive(ctx context.Context, h actuators.Host, p params, cause error) error {
	conn, err := virt.Open(ctx, h)
	if err != nil {
		return errors.Join(cause, err)
	}
	defer conn.Close()
	domain, used, err := conn.DomainUsing(ctx, p.Path)
	if err != nil {
		return errors.Join(cause, err)
	}
	if !used || !domain.State.Active() {
		return fmt.Errorf("%w: no guest of this libvirt uses it: %w", actuators.ErrTransient, cause)
	}
	return conn.BlockResize(ctx, domain.Name, p.Path, p.Size)
}

var retire = actuators.Op[params, aside, State]{
	Name: "retire", Reversal: actuators.Exact,
	Capture: func(_ context.Context, h actuators.Host, p params) (aside, error) {
		if _, err := mine(h, p); err != nil {
			return aside{}, err
		}
		path, err := files.FreeRetiredPath(p.Path, h.Now())
		return aside{Path: path}, err
	},
	Do: doRetire,
	Undo: func(_ context.Context, h actuators.Host, p params, before aside) error {
		return files.Carry(h, before.Path, p.Path, p.Mark)
	},
	Predict: func(params, *State) *State { return nil },
}

// doRetire refuses while a guest runs from the file: it would run on, and never start again.
func doRetire(_ context.Context, h actuators.Host, p params, before aside) error {
	used, err := written(p.Path)
	if err != nil {
		return err
	}
	if used {
		return fmt.Errorf("cannot set %s aside: %w: a guest runs from it", p.Path, errInUse)
	}
	return files.Carry(h, p.Path, before.Path, p.Mark)
}

var restore = actuators.Op[params, files.Marked, State]{
	Name: "restore", Reversal: actuators.Exact,
	Capture: func(_ context.Context, h actuators.Host, p params) (files.Marked, error) {
		return files.Aside(h, p.Retired, p.Mark)
	},
	Do: func(_ context.Context, h actuators.Host, p params, _ files.Marked) error {
		return files.Rename(h, p.Retired, p.Path, p.Mark, p.Mark)
	},
	Undo: func(_ context.Context, h actuators.Host, p params, before files.Marked) error {
		return before.Again(h, p.Path, p.Retired, p.Mark)
	},
	Predict: func(p params, _ *State) *State { return p.state() },
}

var purge = actuators.Op[params, none, State]{
	Name: actuators.OpPurge, Reversal: actuators.NoReversal,
	Preflight: func(_ context.Context, h actuators.Host, p params) error { return mayPurge(h, p) },
	Capture:   func(_ context.Context, h actuators.Host, p params) (none, error) { return none{}, mayPurge(h, p) },
	Do: func(_ context.Context, h actuators.Host, p params, _ none) error {
		if err := mayPurge(h, p); err != nil {
			return err
		}
		return files.Purge(h, p.Retired, p.Mark)
	},
	Predict: func(_ params, have *State) *State { return have },
}

// mayPurge refuses what was not set aside or is in use: somebody may have started a guest from it under its new name.
func mayPurge(h actuators.Host, p params) error {
	if _, _, err := files.Own(h, p.Retired, p.Mark); err != nil {
		return err
	}
	used, err := written(p.Retired)
	if err == nil && used {
		err = fmt.Errorf("cannot purge %s: %w: a guest runs from it", p.Retired, errInUse)
	}
	return err
}

var adopt = actuators.Op[params, adopted, State]{
	Name: "adopt", Reversal: actuators.Exact,
	Capture: func(_ context.Context, h actuators.Host, p params) (adopted, error) {
		side, err := files.ReadSidecar(h, p.Path)
		return adopted{side}, err
	},
	Do: func(_ context.Context, h actuators.Host, p params, _ adopted) error {
		return files.Adopt(h, p.Path, files.Sidecar{Mark: p.Mark})
	},
	Undo: func(_ context.Context, h actuators.Host, p params, before adopted) error {
		return files.Abandon(h, p.Path, p.Mark, before.Sidecar)
	},
	Predict: func(_ params, have *State) *State { return have },
}

// adopted is the sidecar that was there before.
type adopted struct {
	Sidecar *files.Sidecar `json:"sidecar,omitempty"`
}

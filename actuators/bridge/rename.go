package bridge

import (
	"context"
	"fmt"

	"plumbline/actuators"
	"plumbline/actuators/internal/link"
	"plumbline/schema"
)

// renaming writes another mark into the alias of a bridge; nothing else of it changes.
type renaming struct {
	Mark   actuators.Mark `json:"mark"`
	Was    actuators.Mark `json:"was"`
	Config Config         `json:"config"` // as it is
}

// renameSteps keeps the interface's name, which networks, guests and addresses hold.
func renameSteps(sub actuators.Subject, was schema.ID, want *Spec, have actuators.Have[State]) ([]actuators.Step, error) {
	c := have.Here.Config
	if c.Interface != want.Resolved.Interface {
		return nil, fmt.Errorf("%w: its interface is %s, which what is plugged into it knows by that name, and would become %s; add interface: %q to keep it",
			actuators.ErrRefused, c.Interface, want.Resolved.Interface, c.Interface)
	}
	if c.MTU = 0; want.MTU != 0 {
		c.MTU = have.Here.Status.MTU // which is told only where it is declared
	}
	p := renaming{Mark: sub.Mark, Was: *have.Mark, Config: c}
	return []actuators.Step{actuators.NewStep(actuators.OpRename, p, "mark bridge "+c.Interface+" as "+string(sub.Instance.ID)+", no more as "+string(was))}, nil
}

var rename = actuators.Op[renaming, before, State]{
	Name: actuators.OpRename, Reversal: actuators.Exact,
	Capture: func(ctx context.Context, _ actuators.Host, p renaming) (before, error) {
		one, err := marked(ctx, p.Config.Interface, p.Was)
		return before{Alias: one.Alias}, err
	},
	Do: func(ctx context.Context, _ actuators.Host, p renaming, _ before) error {
		one, err := marked(ctx, p.Config.Interface, p.Was, p.Mark)
		if err != nil || ours(one, p.Mark) {
			return err
		}
		return link.SetAlias(ctx, one, p.Mark.String())
	},
	Undo: func(ctx context.Context, _ actuators.Host, p renaming, b before) error {
		one, err := marked(ctx, p.Config.Interface, p.Was, p.Mark)
		switch {
		case err != nil:
			return actuators.Stuck("the alias of "+p.Config.Interface, "not ours", b.Alias)
		case ours(one, p.Was):
			return nil
		}
		return link.SetAlias(ctx, one, b.Alias)
	},
	Predict: func(p renaming, _ *State) *State { return &State{Config: p.Config} },
}

// marked finds a bridge that bears one of some marks.
func marked(ctx context.Context, name string, marks ...actuators.Mark) (link.Link, error) {
	links, err := link.List(ctx)
	if err != nil {
		return link.Link{}, err
	}
	one, found := links.Name(name)
	if !found {
		return one, fmt.Errorf("%w: there is no bridge %s", actuators.ErrNotFound, name)
	}
	for _, m := range marks {
		if ours(one, m) {
			return one, nil
		}
	}
	return one, actuators.Foreign("bridge " + name)
}

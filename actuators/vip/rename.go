package vip

import (
	"context"
	"fmt"

	"plumbline/actuators"
	"plumbline/schema"
)

// renaming puts a file of the same router in the place of the one of an earlier name: file and VRRP instance bear the object's
// name. On the wire a router is its number; keepalived takes the instance over by that when it reads its files anew.
type renaming struct {
	Mark   actuators.Mark `json:"mark"`
	Was    actuators.Mark `json:"was"`
	Name   string         `json:"name"`
	Config Config         `json:"config"` // as it is
}

func renameSteps(sub actuators.Subject, was schema.ID, _ *Spec, have actuators.Have[State]) ([]actuators.Step, error) {
	c := have.Here.Config
	if c.Edited != "" || c.Stopped {
		return nil, fmt.Errorf("%w: %s was edited by hand, or keepalived does not run; say \"plumb heal %s\" under the earlier name first", actuators.ErrRefused, confPath(was.Name()), was.On(sub.Instance.Host))
	}
	c.Apart = false // which regrouping mends
	p := renaming{Mark: sub.Mark, Was: *have.Mark, Name: sub.Instance.ID.Name(), Config: c}
	return []actuators.Step{actuators.NewStep(actuators.OpRename, p, fmt.Sprintf("rename %s to %s; %s stays where it is", confPath(was.Name()), p.Name+confEnd, c.Address))}, nil
}

func (p renaming) as(m actuators.Mark) params {
	return params{Mark: m, Name: m.ID.Name(), Router: p.Config.Router}
}

var rename = actuators.Op[renaming, before, State]{
	Name: actuators.OpRename, Reversal: actuators.Exact, Timeout: settle,
	Preflight: func(ctx context.Context, h actuators.Host, p renaming) error {
		return try(ctx, h, p.Name, text(p.Name, p.Mark, p.Config.Router))
	},
	Capture: func(ctx context.Context, h actuators.Host, p renaming) (before, error) {
		b, err := capture(ctx, h, p.as(p.Was))
		if err == nil && b.Text == "" {
			err = fmt.Errorf("cannot rename %s: %s: %w", p.Was.ID, confPath(p.Was.ID.Name()), actuators.ErrNotFound)
		}
		if err == nil {
			_, err = ownFile(h, p.as(p.Mark))
		}
		return b, err
	},
	Do: func(ctx context.Context, h actuators.Host, p renaming, _ before) error {
		return succeed(ctx, h, p.as(p.Was), p.as(p.Mark), text(p.Name, p.Mark, p.Config.Router))
	},
	Undo: func(ctx context.Context, h actuators.Host, p renaming, b before) error {
		live, err := readFile(h, confPath(p.Name))
		switch {
		case err != nil:
			return err
		case live != "" && live != text(p.Name, p.Mark, p.Config.Router):
			return actuators.Stuck(confPath(p.Name), "another text", "as the renaming left it")
		}
		return succeed(ctx, h, p.as(p.Mark), p.as(p.Was), b.Text)
	},
	Predict: func(p renaming, have *State) *State {
		after := State{Config: p.Config, Status: Status{Holds: true}}
		if have != nil {
			after.Status = have.Status
		}
		return &after
	},
	Settled: func(l State) (bool, error) { return l.Status.known(), nil },
}

// succeed writes a file, then removes the one that it comes after, and has keepalived read them once both is done.
func succeed(ctx context.Context, h actuators.Host, old, now params, content string) error {
	for _, one := range []params{old, now} {
		if _, err := ownFile(h, one); err != nil {
			return err
		}
	}
	if err := h.WriteFile(confPath(now.Name), []byte(content), 0o644); err != nil {
		return err
	}
	if err := h.Remove(confPath(old.Name)); err != nil {
		return err
	}
	if err := regroup(h); err != nil {
		return err
	}
	return reload(ctx, h)
}

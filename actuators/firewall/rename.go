package firewall

import (
	"context"
	"fmt"
	"strings"

	"plumbline/actuators"
	"plumbline/actuators/internal/nft"
	"plumbline/schema"
)

// renaming puts the same chain in the place of the one of an earlier name: chains and sets bear the object's name.
type renaming struct {
	Name   string         `json:"name"`
	Mark   actuators.Mark `json:"mark"`
	Was    actuators.Mark `json:"was"`
	Config Config         `json:"config"` // as it is
}

func renameSteps(sub actuators.Subject, was schema.ID, _ *Spec, have actuators.Have[State]) ([]actuators.Step, error) {
	c := have.Here.Config
	if len(c.Altered) > 0 {
		return nil, fmt.Errorf("%w: its chain was altered by hand (%s); say \"plumb heal %s\" under the earlier name first", actuators.ErrRefused, strings.Join(c.Altered, ", "), was.On(sub.Instance.Host))
	}
	p := renaming{Name: sub.Instance.ID.Name(), Mark: sub.Mark, Was: *have.Mark, Config: c}
	return []actuators.Step{actuators.NewStep(actuators.OpRename, p, "rename chain "+nft.ChainPrefix+was.Name()+" to "+nft.ChainPrefix+p.Name+"; it filters all the while")}, nil
}

func (p renaming) filter() (*nft.Filter, error) { return render(p.Name, p.Mark, p.Config) }

var rename = actuators.Op[renaming, captured, State]{
	Name: actuators.OpRename, Reversal: actuators.Exact,
	Capture: func(ctx context.Context, _ actuators.Host, p renaming) (captured, error) {
		f, err := nft.Capture(ctx, p.Was.ID.Name(), p.Was, false)
		if err == nil && f == nil {
			err = fmt.Errorf("cannot rename %s: %w", p.Was.ID, actuators.ErrNotFound)
		}
		if err == nil {
			_, err = nft.Capture(ctx, p.Name, p.Mark, false)
		}
		return captured{f}, err
	},
	Do: func(ctx context.Context, _ actuators.Host, p renaming, _ captured) error {
		want, err := p.filter()
		if err != nil {
			return err
		}
		return nft.Succeed(ctx, p.Name, p.Mark, want, p.Was.ID.Name(), p.Was)
	},
	Undo: func(ctx context.Context, _ actuators.Host, p renaming, before captured) error {
		wrote, err := p.filter()
		if err == nil {
			err = as(ctx, p.Was.ID.Name(), p.Was, before.Filter)
		}
		if err == nil {
			err = as(ctx, p.Name, p.Mark, wrote)
		}
		if err != nil {
			return err
		}
		return nft.Succeed(ctx, p.Was.ID.Name(), p.Was, before.Filter, p.Name, p.Mark)
	},
	Predict: func(p renaming, have *State) *State {
		if have != nil {
			return have
		}
		return &State{Config: p.Config}
	},
}

// as refuses to undo where a chain is neither absent nor as a renaming leaves it.
func as(ctx context.Context, name string, mark actuators.Mark, f *nft.Filter) error {
	live, err := nft.Capture(ctx, name, mark, false)
	if err == nil && live != nil && !live.Same(f) && !live.Same(f.Passing()) {
		err = actuators.Stuck("nft chain "+nft.ChainPrefix+name, "altered", "as the renaming left it")
	}
	return err
}

package balancer

import (
	"context"

	"plumbline/actuators"
	"plumbline/actuators/internal/nft"
	"plumbline/schema"
)

// renaming gives what is there its new mark.
type renaming struct {
	nft.Claim
	Config Config `json:"config"` // as it is
}

func renameSteps(sub actuators.Subject, was schema.ID, _ *Spec, have actuators.Have[State]) ([]actuators.Step, error) {
	c := have.Here.Config
	p := renaming{Claim: nft.Claim{Mark: sub.Mark, Was: have.Mark, Want: c.elements()}, Config: c}
	return []actuators.Step{actuators.NewStep(actuators.OpRename, p, "mark "+c.Service+" and its backends as "+string(sub.Instance.ID)+", no more as "+string(was))}, nil
}

var rename = actuators.Op[renaming, nft.Before, State]{
	Name: actuators.OpRename, Reversal: actuators.Exact,
	Capture: func(ctx context.Context, _ actuators.Host, p renaming) (nft.Before, error) {
		return p.Claim.Capture(ctx)
	},
	Do: func(ctx context.Context, _ actuators.Host, p renaming, _ nft.Before) error { return p.Claim.Do(ctx) },
	Undo: func(ctx context.Context, _ actuators.Host, p renaming, before nft.Before) error {
		return p.Claim.Undo(ctx, before)
	},
	Predict: func(p renaming, have *State) *State {
		c := p.Config
		if have != nil {
			c = have.Config
		}
		after := configOf(p.Want, nil)
		after.Forwarding, after.Strange = c.Forwarding, c.Strange
		return &State{Config: after}
	},
}

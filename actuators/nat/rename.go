package nat

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
	return one(actuators.OpRename, p, "mark its ports as "+string(sub.Instance.ID)+", no more as "+string(was)), nil
}

var rename = actuators.Op[renaming, nft.Before, State]{
	Name: actuators.OpRename, Reversal: actuators.Exact,
	Many: &actuators.Many[renaming, nft.Before]{
		Limit: 1000,
		Capture: func(ctx context.Context, _ actuators.Host, all []renaming) ([]nft.Before, []error) {
			return nft.CaptureAll(ctx, claims(all))
		},
		Do: func(ctx context.Context, _ actuators.Host, all []actuators.Item[renaming, nft.Before]) []error {
			params, _ := split(all)
			return nft.DoAll(ctx, claims(params))
		},
		Undo: func(ctx context.Context, _ actuators.Host, all []actuators.Item[renaming, nft.Before]) []error {
			params, before := split(all)
			return nft.UndoAll(ctx, claims(params), before)
		},
	},
	Predict: func(p renaming, have *State) *State {
		c := p.Config
		if have != nil {
			c = have.Config
		}
		c.Broken = nil // which the batch mends
		return &State{Config: c}
	},
}

func claims(all []renaming) []nft.Claim {
	out := make([]nft.Claim, len(all))
	for n, one := range all {
		out[n] = one.Claim
	}
	return out
}

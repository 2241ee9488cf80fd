package balancer

import (
	"context"
	"time"

	"plumbline/actuators"
	"plumbline/actuators/internal/nft"
)

// params is what the object shall have, and what must answer before it gets it.
type params struct {
	nft.Claim
	Probes []probe `json:"probes,omitempty"`
}

type op = actuators.Op[params, nft.Before, State]

var (
	create        = claimOp("create", true)
	addBackend    = claimOp("add-backend", false)
	removeBackend = claimOp("remove-backend", false)
	replace       = claimOp("replace", false)
	remove        = claimOp("remove", false)
	adopt         = claimOp("adopt", false)
	forward       = nft.UnblockOp(func(now *State) { now.Config.Forwarding = nil })
)

// claimOp is the one form of all ops: wait for the probes, then write one batch.
func claimOp(name string, forwarding bool) op {
	return op{
		Name:     name,
		Version:  1,
		Reversal: actuators.Exact,
		Timeout:  10 * time.Minute,
		Preflight: func(_ context.Context, h actuators.Host, _ params) error {
			if !forwarding {
				return nil
			}
			return nft.Forwarding(h)
		},
		Capture: func(ctx context.Context, _ actuators.Host, p params) (nft.Before, error) { return p.Claim.Capture(ctx) },
		Do: func(ctx context.Context, h actuators.Host, p params, _ nft.Before) error {
			if err := await(ctx, h, p.Probes); err != nil {
				return err
			}
			return p.Claim.Do(ctx)
		},
		Undo: func(ctx context.Context, _ actuators.Host, p params, before nft.Before) error {
			return p.Claim.Undo(ctx, before)
		},
		Predict: predict,
	}
}

func predict(p params, have *State) *State {
	if len(p.Want) == 0 {
		return nil
	}
	after := State{Config: configOf(p.Want, nil)}
	if have != nil {
		after.Config.Forwarding, after.Config.Strange = have.Config.Forwarding, have.Config.Strange
	}
	return &after
}

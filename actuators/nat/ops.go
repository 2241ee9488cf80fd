package nat

import (
	"context"
	"time"

	"plumbline/actuators"
	"plumbline/actuators/internal/nft"
)

type op = actuators.Op[nft.Claim, nft.Before, State]

var (
	add     = confirmed(claimOp("add", nft.Forwarding))
	replace = confirmed(claimOp("replace", nil))
	remove  = claimOp("remove", nil)
	adopt   = claimOp("adopt", nil)
	forward = nft.UnblockOp(func(now *State) { now.Config.Forwarding = nil })
)

// claimOp is the one form of all ops: they differ in what they claim. The table is one atomic container, so a Do is never
// half done.
func claimOp(name string, preflight func(actuators.Host) error) op {
	return op{
		Name:     name,
		Version:  1,
		Reversal: actuators.Exact,
		Preflight: func(ctx context.Context, h actuators.Host, c nft.Claim) error {
			if preflight == nil {
				return nil
			}
			return preflight(h)
		},
		Many:    together,
		Predict: predict,
	}
}

// together does many claims in one batch.
var together = &actuators.Many[nft.Claim, nft.Before]{
	Limit: 1000,
	Capture: func(ctx context.Context, _ actuators.Host, all []nft.Claim) ([]nft.Before, []error) {
		return nft.CaptureAll(ctx, all)
	},
	Do: func(ctx context.Context, _ actuators.Host, all []item) []error {
		claims, _ := split(all)
		return nft.DoAll(ctx, claims)
	},
	Undo: func(ctx context.Context, _ actuators.Host, all []item) []error {
		claims, before := split(all)
		return nft.UndoAll(ctx, claims, before)
	},
}

type item = actuators.Item[nft.Claim, nft.Before]

func split[P any](all []actuators.Item[P, nft.Before]) (params []P, before []nft.Before) {
	for _, one := range all {
		params, before = append(params, one.Params), append(before, one.Before)
	}
	return params, before
}

// confirmed makes the host take the op back unless it can still be reached: a NAT of the host's own address and the port
// that it is reached on sends every new connection elsewhere.
func confirmed(o op) op {
	o.Confirm = 60 * time.Second
	return o
}

func predict(c nft.Claim, have *State) *State {
	if len(c.Want) == 0 {
		return nil
	}
	after := stateOf(c.Want, nil)
	if have != nil {
		after.Config.Forwarding, after.Config.Strange = have.Config.Forwarding, have.Config.Strange
	}
	return &after
}

package firewall

import (
	"context"
	"time"

	"plumbline/actuators"
	"plumbline/actuators/internal/nft"
)

// params is what the chain shall be; no Want is absent, or with adopt as it is.
type params struct {
	Name string         `json:"name"`
	Mark actuators.Mark `json:"mark"`
	Want *Config        `json:"want,omitempty"`
}

// captured is all that the chain was; nil is absent.
type captured struct {
	Filter *nft.Filter `json:"filter,omitempty"`
}

type op = actuators.Op[params, captured, State]

// confirm is how long a host waits for the word that it can still be reached.
const confirm = 60 * time.Second

var (
	create  = chainOp("create", confirm, written, predict)
	replace = chainOp("replace", confirm, written, predict)
	remove  = chainOp("remove", confirm, written, predict)
	adopt   = chainOp("adopt", 0, adopted, func(_ params, have *State) *State { return have })
)

// chainOp is the one form of all ops. Result is what the chain is afterwards; Undo needs it to tell our writing from that of
// somebody else.
func chainOp(name string, confirm time.Duration, result func(params, captured) (*nft.Filter, error), predict func(params, *State) *State) op {
	taking := name == "adopt"
	return op{
		Name:     name,
		Version:  1,
		Reversal: actuators.Exact,
		Confirm:  confirm,
		Capture: func(ctx context.Context, _ actuators.Host, p params) (captured, error) {
			f, err := nft.Capture(ctx, p.Name, p.Mark, taking)
			return captured{f}, err
		},
		Do: func(ctx context.Context, _ actuators.Host, p params, before captured) error {
			want, err := result(p, before)
			if err != nil {
				return err
			}
			return nft.Put(ctx, p.Name, p.Mark, taking, want)
		},
		Undo: func(ctx context.Context, _ actuators.Host, p params, before captured) error {
			wrote, err := result(p, before)
			if err != nil {
				return err
			}
			return nft.Back(ctx, p.Name, before.Filter, wrote)
		},
		Predict: predict,
	}
}

func written(p params, _ captured) (*nft.Filter, error) {
	if p.Want == nil {
		return nil, nil
	}
	return render(p.Name, p.Mark, *p.Want)
}

// adopted is the chain as it was, with the set that bears the mark.
func adopted(p params, before captured) (*nft.Filter, error) {
	if before.Filter == nil {
		return nil, actuators.ErrNotFound
	}
	return before.Filter.Adopted(nft.ChainPrefix+p.Name, p.Mark), nil
}

func predict(p params, have *State) *State {
	if p.Want == nil {
		return nil
	}
	after := State{Config: *p.Want}
	if have != nil {
		after.Config.Strange = have.Config.Strange
	}
	return &after
}

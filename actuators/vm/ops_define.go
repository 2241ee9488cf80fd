package vm

import (
	"context"
	"errors"
	"fmt"

	"plumbline/actuators"
)

// Definition is a new domain.
type Definition struct {
	Ref
	Config  Config `json:"config"`
	NICs    []NIC  `json:"nics,omitempty"` // in declared order, which the guest sees
	Model   string `json:"model,omitempty"`
	Machine string `json:"machine"`
	Accel   string `json:"accel"`
}

// Undefined is what define captures: the domain was not there.
type Undefined struct {
	Accel string `json:"accel"` // what "auto" means on this host
}

var define = actuators.Op[Definition, Undefined, State]{
	Name: "define", Reversal: actuators.Exact,
	Capture: func(ctx context.Context, h actuators.Host, p Definition) (Undefined, error) {
		s, err := open(ctx, h, p.Domain)
		if s != nil {
			defer s.Close()
		}
		switch {
		case err == nil && p.ours(s.mark):
			return Undefined{}, fmt.Errorf("cannot define domain %s: %w: it appeared since the plan was made", p.Domain, actuators.ErrTransient)
		case err == nil:
			return Undefined{}, fmt.Errorf("cannot define domain %s: %w", p.Domain, actuators.Foreign("a domain of this name"))
		case !errors.Is(err, actuators.ErrNotFound):
			return Undefined{}, err
		}
		return choose(ctx, s, p.Accel)
	},
	Do: func(ctx context.Context, h actuators.Host, p Definition, before Undefined) error {
		s, err := open(ctx, h, p.Domain)
		if s != nil {
			defer s.Close()
		}
		if err == nil && !p.ours(s.mark) {
			return fmt.Errorf("cannot define domain %s: %w", p.Domain, actuators.Foreign("a domain of this name"))
		}
		if err == nil || !errors.Is(err, actuators.ErrNotFound) {
			return err // there already, or not to be seen
		}
		text, err := build(p, before.Accel)
		if err != nil {
			return err
		}
		return s.Define(ctx, text)
	},
	Undo: func(ctx context.Context, h actuators.Host, p Definition, _ Undefined) error {
		s, err := open(ctx, h, p.Domain)
		if s != nil {
			defer s.Close()
		}
		switch {
		case errors.Is(err, actuators.ErrNotFound):
			return nil
		case err != nil:
			return err
		case !p.ours(s.mark) || s.domain.UUID != p.Config.UUID:
			return actuators.Stuck("domain "+p.Domain, "another one", "absent")
		case s.domain.State.Active():
			return actuators.Stuck("domain "+p.Domain, s.domain.State, "absent")
		}
		return s.Undefine(ctx, p.Domain)
	},
	Predict: func(p Definition, _ *State) *State {
		return &State{Config: p.Config, Status: Status{Name: p.Domain, Accel: p.Accel, Machine: p.Machine, Model: p.Model}}
	},
}

func choose(ctx context.Context, s *session, accel string) (Undefined, error) {
	if accel != "auto" {
		return Undefined{Accel: accel}, nil
	}
	kvm, err := s.HasKVM(ctx)
	if kvm {
		return Undefined{Accel: "kvm"}, err
	}
	return Undefined{Accel: "tcg"}, err
}

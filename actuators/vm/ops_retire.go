package vm

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"plumbline/actuators"
)

// SetAside is the name that a retired domain gets. It is chosen when the step is captured, so that a resumed step
// chooses no other.
type SetAside struct {
	Name string `json:"name"`
}

var retire = actuators.Op[Ref, SetAside, State]{
	Name: "retire", Reversal: actuators.Exact,
	Preflight: func(ctx context.Context, h actuators.Host, r Ref) error {
		return within(ctx, h, r, func(s *session) error { return s.noSnapshots(ctx, r.Domain) })
	},
	Capture: func(ctx context.Context, h actuators.Host, r Ref) (SetAside, error) {
		aside := SetAside{Name: r.Domain + ".plumb-retired-" + strconv.FormatInt(h.Now().Unix(), 10)}
		return aside, within(ctx, h, r, func(*session) error { return nil })
	},
	Do: func(ctx context.Context, h actuators.Host, r Ref, before SetAside) error {
		return rename(ctx, h, r, r.Domain, before.Name)
	},
	Undo: func(ctx context.Context, h actuators.Host, r Ref, before SetAside) error {
		return rename(ctx, h, r, before.Name, r.Domain)
	},
	Predict: func(Ref, *State) *State { return nil },
}

// Restoration brings a retired domain back under its name.
type Restoration struct {
	Ref
	From   string `json:"from"`
	Config Config `json:"config"` // as it was set aside
}

var restore = actuators.Op[Restoration, Nothing, State]{
	Name: "restore", Reversal: actuators.Exact,
	Capture: func(ctx context.Context, h actuators.Host, p Restoration) (Nothing, error) {
		from := p.Ref
		from.Domain = p.From
		return Nothing{}, within(ctx, h, from, func(*session) error { return nil })
	},
	Do: func(ctx context.Context, h actuators.Host, p Restoration, _ Nothing) error {
		return rename(ctx, h, p.Ref, p.From, p.Domain)
	},
	Undo: func(ctx context.Context, h actuators.Host, p Restoration, _ Nothing) error {
		return rename(ctx, h, p.Ref, p.Domain, p.From)
	},
	Predict: func(p Restoration, _ *State) *State {
		return &State{Config: p.Config, Status: Status{Name: p.Domain}}
	},
}

// rename gives our domain another name; that it has it already is no error.
func rename(ctx context.Context, h actuators.Host, r Ref, from, to string) error {
	r.Domain = from
	err := within(ctx, h, r, func(s *session) error { return s.Rename(ctx, from, to) })
	if !errors.Is(err, actuators.ErrNotFound) {
		return err
	}
	r.Domain = to
	if look := within(ctx, h, r, func(*session) error { return nil }); look != nil {
		return fmt.Errorf("cannot rename domain %s to %s: %w", from, to, look)
	}
	return nil
}

// purge forgets a retired domain with its firmware variables. Its disks are volumes, which are purged by themselves.
var purge = actuators.Op[Ref, Nothing, State]{
	Name: actuators.OpPurge, Reversal: actuators.NoReversal,
	Preflight: mayPurge,
	Capture: func(ctx context.Context, h actuators.Host, r Ref) (Nothing, error) {
		return Nothing{}, mayPurge(ctx, h, r)
	},
	Do: func(ctx context.Context, h actuators.Host, r Ref, _ Nothing) error {
		if err := mayPurge(ctx, h, r); err != nil {
			return err
		}
		err := within(ctx, h, r, func(s *session) error { return s.Undefine(ctx, r.Domain) })
		if errors.Is(err, actuators.ErrNotFound) {
			return nil
		}
		return err
	},
	Predict: func(_ Ref, have *State) *State { return have },
}

// mayPurge refuses a domain that was not set aside, that is not ours, or that somebody started under its new name. One that
// is gone is no error.
func mayPurge(ctx context.Context, h actuators.Host, r Ref) error {
	if !retiredName.MatchString(r.Domain) {
		return fmt.Errorf("cannot purge domain %s: %w: it was not set aside", r.Domain, actuators.ErrRefused)
	}
	err := within(ctx, h, r, func(s *session) error {
		if s.state.Config.active() {
			return fmt.Errorf("cannot purge domain %s: %w: it runs", r.Domain, actuators.ErrRefused)
		}
		return nil
	})
	if errors.Is(err, actuators.ErrNotFound) {
		return nil
	}
	return err
}

package vm

import (
	"context"
	"errors"
	"fmt"

	"plumbline/actuators"
	"plumbline/actuators/internal/link"
)

// Plugged is how a tap was plugged in.
type Plugged struct {
	Tap    string `json:"tap"`
	Bridge string `json:"bridge,omitempty"` // empty: none
	Up     bool   `json:"up,omitempty"`
}

var plug = actuators.Op[NICChange, Plugged, State]{
	Name: "plug", Reversal: actuators.Exact,
	Capture: func(ctx context.Context, h actuators.Host, p NICChange) (Plugged, error) {
		var before Plugged
		err := within(ctx, h, p.Ref, func(s *session) error {
			one, err := s.cable(ctx, p.NIC)
			before = Plugged{Tap: one.Name, Bridge: one.master, Up: one.Up}
			return err
		})
		return before, err
	},
	Do: func(ctx context.Context, h actuators.Host, p NICChange, _ Plugged) error {
		return within(ctx, h, p.Ref, func(s *session) error {
			one, err := s.cable(ctx, p.NIC)
			if err != nil {
				return err
			}
			bridge, there := one.links.Name(one.bridge)
			if !there {
				return fmt.Errorf("cannot plug %s in: %w: there is no bridge %s", one.Name, actuators.ErrNotFound, one.bridge)
			}
			return one.put(ctx, bridge.Index, true)
		})
	},
	Undo: func(ctx context.Context, h actuators.Host, p NICChange, before Plugged) error {
		return within(ctx, h, p.Ref, func(s *session) error {
			one, err := s.cable(ctx, p.NIC)
			switch {
			case errors.Is(err, errNoTap), err == nil && one.Name != before.Tap:
				return nil // the guest was stopped or restarted since
			case err != nil:
				return err
			case !oneOf(one.master, one.bridge, before.Bridge):
				return actuators.Stuck("the bridge of "+one.Name, one.master, before.Bridge)
			}
			bridge, _ := one.links.Name(before.Bridge) // none if it is gone
			return one.put(ctx, bridge.Index, before.Up)
		})
	},
	Predict: func(p NICChange, have *State) *State {
		return predict(have, func(c *Config) { c.cut(p.NIC.MAC, "") })
	},
}

// cable is the tap of a card among the interfaces of its host, and the bridge where it belongs.
type cable struct {
	wire
	bridge string
	links  link.Links
}

// errNoTap says that a card has no tap, for it does not run.
var errNoTap = fmt.Errorf("%w: its tap is no more", actuators.ErrTransient)

func (s *session) cable(ctx context.Context, card NIC) (cable, error) {
	texts, err := takeApart(s.domain)
	if err != nil {
		return cable{}, err
	}
	links, err := link.List(ctx)
	if err != nil {
		return cable{}, err
	}
	taps := wiring(links)
	for _, t := range texts.taps {
		if w, there := taps[t.dev]; there && t.mac == card.MAC {
			return cable{wire: w, bridge: t.bridge, links: links}, nil
		}
	}
	return cable{}, fmt.Errorf("cannot plug card %s of domain %s in: %w", card.MAC, s.domain.Name, errNoTap)
}

// put plugs a tap into the bridge of an index, 0 for none, and switches it on or off.
func (w wire) put(ctx context.Context, bridge int, up bool) error {
	if w.Master != bridge {
		if err := link.SetMaster(ctx, w.Link, bridge); err != nil {
			return err
		}
	}
	if w.Up == up {
		return nil
	}
	return link.SetUp(ctx, w.Link, up)
}

package network

import (
	"context"
	"fmt"

	"plumbline/actuators"
	"plumbline/actuators/internal/virt"
)

// params serve every op of the kind.
type params struct {
	Mark    actuators.Mark `json:"mark"`
	Network string         `json:"network"`
	Bridge  string         `json:"bridge,omitempty"`
}

// before is the network as it was found. Empty XML: it was not there.
type before struct {
	XML       string `json:"xml,omitempty"`
	Bridge    string `json:"bridge,omitempty"`
	Active    bool   `json:"active,omitempty"`
	Autostart bool   `json:"autostart,omitempty"`
}

type verb = func(ctx context.Context, h actuators.Host, p params, b before) error

func op(name string, do, undo verb, predict func(p params, have *State) *State) actuators.Op[params, before, State] {
	return actuators.Op[params, before, State]{
		Name: name, Reversal: actuators.Exact,
		Capture: func(ctx context.Context, h actuators.Host, p params) (b before, err error) {
			err = on(ctx, h, p, func(s *session) error { b, err = s.capture(name == "adopt"); return err })
			return b, err
		},
		Do: do, Undo: undo, Predict: predict,
	}
}

// whole is a network as all ops but adopt and remove leave it.
func whole(p params, _ *State) *State {
	return &State{Config: Config{Bridge: p.Bridge, Mode: mode, Active: true, Autostart: true}}
}

var (
	create = op("create", func(ctx context.Context, h actuators.Host, p params, _ before) error {
		return on(ctx, h, p, func(s *session) error {
			if err := s.mustBeOurs(); err != nil {
				return err
			}
			if !s.there {
				if err := s.define(define(p)); err != nil {
					return err
				}
			}
			return s.set(true, true)
		})
	}, restore, whole)

	start = op("start", func(ctx context.Context, h actuators.Host, p params, _ before) error {
		return on(ctx, h, p, func(s *session) error {
			if err := s.mustBeThere(); err != nil {
				return err
			}
			return s.set(true, true)
		})
	}, restore, func(p params, have *State) *State {
		after := *have
		after.Config.Active, after.Config.Autostart = true, true
		return &after
	})

	// A network in bridge mode that stops takes nothing from the guests that are plugged into the bridge.
	redefine = op("redefine", func(ctx context.Context, h actuators.Host, p params, _ before) error {
		return on(ctx, h, p, func(s *session) error {
			if err := s.mustBeThere(); err != nil {
				return err
			}
			if err := s.rebridge(p.Bridge); err != nil {
				return err
			}
			return s.set(true, true)
		})
	}, restore, whole)

	remove = op("remove", func(ctx context.Context, h actuators.Host, p params, _ before) error {
		return on(ctx, h, p, func(s *session) error {
			if err := s.mustBeOurs(); err != nil {
				return err
			}
			return s.forget()
		})
	}, restore, func(params, *State) *State { return nil })

	adopt = op("adopt", func(ctx context.Context, h actuators.Host, p params, _ before) error {
		return on(ctx, h, p, func(s *session) error {
			if err := s.mustBeAdoptable(); err != nil || s.ours() {
				return err
			}
			return s.define(marked(s.network.XML, p.Mark, s.network.UUID))
		})
	}, func(ctx context.Context, h actuators.Host, p params, b before) error {
		return on(ctx, h, p, func(s *session) error {
			if err := s.mustBeAdoptable(); err != nil || s.mark == nil {
				return err
			}
			return s.define(b.XML)
		})
	}, func(_ params, have *State) *State { return have })
)

// restore brings the network back to what was captured, step by step, where it is still ours.
func restore(ctx context.Context, h actuators.Host, p params, b before) error {
	return on(ctx, h, p, func(s *session) error {
		if s.there && !s.ours() {
			return actuators.Stuck("network "+p.Network, "another one", describe(b))
		}
		if b.XML == "" {
			return s.forget()
		}
		if !s.there {
			if err := s.define(b.XML); err != nil {
				return err
			}
		}
		if s.live.Config.Bridge != b.Bridge {
			if s.live.Config.Bridge != p.Bridge {
				return actuators.Stuck("the bridge of network "+p.Network, s.live.Config.Bridge, b.Bridge)
			}
			if err := s.rebridge(b.Bridge); err != nil {
				return err
			}
		}
		return s.set(b.Active, b.Autostart)
	})
}

func describe(b before) string {
	if b.XML == "" {
		return "absent"
	}
	return "ours"
}

// on opens libvirt and looks at the network.
func on(ctx context.Context, h actuators.Host, p params, f func(s *session) error) error {
	c, err := virt.Open(ctx, h)
	if err != nil {
		return err
	}
	defer c.Close()
	s := &session{ctx: ctx, conn: c, p: p}
	if err := s.look(); err != nil {
		return err
	}
	if err := f(s); err != nil {
		return fmt.Errorf("network %s: %w", p.Network, err)
	}
	return nil
}

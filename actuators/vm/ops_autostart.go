package vm

import (
	"context"

	"plumbline/actuators"
)

// Autostart says whether the domain starts with its host.
type Autostart struct {
	Ref
	On bool `json:"on"`
}

var setAutostart = actuators.Op[Autostart, bool, State]{
	Name: "set-autostart", Reversal: actuators.Exact,
	Capture: func(ctx context.Context, h actuators.Host, p Autostart) (bool, error) {
		return captured(ctx, h, p.Ref, func(l State) bool { return l.Config.Autostart })
	},
	Do: func(ctx context.Context, h actuators.Host, p Autostart, _ bool) error {
		return within(ctx, h, p.Ref, func(s *session) error { return s.SetAutostart(ctx, p.Domain, p.On) })
	},
	Undo: func(ctx context.Context, h actuators.Host, p Autostart, before bool) error {
		return within(ctx, h, p.Ref, func(s *session) error { return s.SetAutostart(ctx, p.Domain, before) })
	},
	Predict: func(p Autostart, have *State) *State {
		return predict(have, func(c *Config) { c.Autostart = p.On })
	},
}

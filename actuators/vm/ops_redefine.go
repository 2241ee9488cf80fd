package vm

import (
	"context"
	"slices"

	"plumbline/actuators"
)

// redefine gives a running domain that somebody undefined its definition again. libvirt still tells what the next start would
// have been, mark and device addresses included; that text goes back as it is. What differs from the spec, later steps change.
var redefine = actuators.Op[Ref, Config, State]{
	Name: "redefine", Reversal: actuators.Exact,
	Capture: func(ctx context.Context, h actuators.Host, r Ref) (Config, error) {
		return captured(ctx, h, r, func(l State) Config { return l.Config })
	},
	Do: func(ctx context.Context, h actuators.Host, r Ref, _ Config) error {
		return within(ctx, h, r, func(s *session) error {
			if !s.state.Config.Transient {
				return nil
			}
			text, err := s.Secure(ctx, r.Domain)
			if err != nil {
				return err
			}
			return s.Define(ctx, text)
		})
	},
	Undo: func(ctx context.Context, h actuators.Host, r Ref, before Config) error {
		return within(ctx, h, r, func(s *session) error {
			now := s.state.Config
			switch {
			case now.Transient || !before.Transient:
				return nil
			case !now.active():
				return actuators.Stuck("domain "+r.Domain, "stopped", "running without a definition")
			case !sameDefinition(now, before):
				return actuators.Stuck("the definition of domain "+r.Domain, "another one", "none")
			}
			return s.Release(ctx, r.Domain)
		})
	},
	Predict: func(_ Ref, have *State) *State {
		return predict(have, func(c *Config) { c.Transient = false })
	},
}

// sameDefinition compares what a definition says, but for the memory that it has now, which follows the balloon of one that
// has no definition.
func sameDefinition(a, b Config) bool {
	disks := func(a, b Disk) bool { return a.Target == b.Target && a.Path == b.Path && a.Extra == b.Extra }
	nics := func(a, b NIC) bool { return a.MAC == b.MAC && a.Network == b.Network && a.Extra == b.Extra }
	return a.CPU == b.CPU && a.Memory.Max == b.Memory.Max && a.Serial == b.Serial && a.Autostart == b.Autostart && a.Stop == b.Stop &&
		slices.Equal(a.Guest, b.Guest) && slices.EqualFunc(a.Disks, b.Disks, disks) && slices.EqualFunc(a.NICs, b.NICs, nics)
}

package vm

import (
	"context"

	"plumbline/actuators"
	"plumbline/actuators/internal/virt"
)

// CPUChange sets the CPUs of the definition, and those of the running guest when CPU.Running is set.
type CPUChange struct {
	Ref
	CPU CPU `json:"cpu"`
}

var setCPU = actuators.Op[CPUChange, CPU, State]{
	Name: "set-cpu", Reversal: actuators.Compensate, // a guest gives CPUs back when it likes
	Capture: func(ctx context.Context, h actuators.Host, p CPUChange) (CPU, error) {
		return captured(ctx, h, p.Ref, func(l State) CPU { return l.Config.CPU })
	},
	Do: func(ctx context.Context, h actuators.Host, p CPUChange, _ CPU) error {
		return within(ctx, h, p.Ref, func(s *session) error { return s.cpus(ctx, p.Domain, p.CPU) })
	},
	Undo: func(ctx context.Context, h actuators.Host, p CPUChange, before CPU) error {
		return within(ctx, h, p.Ref, func(s *session) error {
			now := s.state.Config.CPU
			if !oneOf(now.Now, p.CPU.Now, before.Now) || !oneOf(now.Max, p.CPU.Max, before.Max) {
				return actuators.Stuck("CPUs of domain "+p.Domain, now, before)
			}
			if p.CPU.Running == 0 || !s.domain.State.Active() {
				before.Running = 0
			}
			return s.cpus(ctx, p.Domain, before)
		})
	},
	Predict: func(p CPUChange, have *State) *State {
		return predict(have, func(c *Config) {
			c.CPU.Now, c.CPU.Max = p.CPU.Now, p.CPU.Max
			if p.CPU.Running > 0 && c.active() {
				c.CPU.Running = p.CPU.Running
			}
		})
	},
}

// cpus sets what differs. The present number must never be above the most.
func (s *session) cpus(ctx context.Context, name string, to CPU) error {
	have := s.state.Config.CPU
	set := []func() error{
		func() error {
			if have.Max == to.Max {
				return nil
			}
			return s.SetMaxVCPUs(ctx, name, to.Max)
		},
		func() error {
			if have.Now == to.Now {
				return nil
			}
			return s.SetVCPUs(ctx, name, to.Now, virt.Config)
		},
	}
	if to.Max < have.Max {
		set[0], set[1] = set[1], set[0]
	}
	for _, f := range set {
		if err := f(); err != nil {
			return err
		}
	}
	if to.Running == 0 || to.Running == have.Running || !s.domain.State.Active() {
		return nil
	}
	return s.SetVCPUs(ctx, name, to.Running, virt.Live)
}

// MemoryChange sets the memory of the definition, and the balloon of the running guest.
type MemoryChange struct {
	Ref
	Memory Memory `json:"memory"`
}

var setMemory = actuators.Op[MemoryChange, Memory, State]{
	Name: "set-memory", Reversal: actuators.Exact,
	Capture: func(ctx context.Context, h actuators.Host, p MemoryChange) (Memory, error) {
		return captured(ctx, h, p.Ref, func(l State) Memory { return l.Config.Memory })
	},
	Do: func(ctx context.Context, h actuators.Host, p MemoryChange, _ Memory) error {
		return within(ctx, h, p.Ref, func(s *session) error { return s.memory(ctx, p.Domain, p.Memory) })
	},
	Undo: func(ctx context.Context, h actuators.Host, p MemoryChange, before Memory) error {
		return within(ctx, h, p.Ref, func(s *session) error {
			now := s.state.Config.Memory
			if !oneOf(now.Now, p.Memory.Now, before.Now) || !oneOf(now.Max, p.Memory.Max, before.Max) {
				return actuators.Stuck("memory of domain "+p.Domain, now, before)
			}
			return s.memory(ctx, p.Domain, before)
		})
	},
	Predict: func(p MemoryChange, have *State) *State {
		return predict(have, func(c *Config) { c.Memory = p.Memory })
	},
}

// memory sets the most first when it grows, the present amount first when it shrinks.
func (s *session) memory(ctx context.Context, name string, to Memory) error {
	have := s.state.Config.Memory
	if to.Max > have.Max {
		if err := s.SetMaxMemory(ctx, name, to.Max); err != nil {
			return err
		}
	}
	if err := s.SetMemory(ctx, name, to.Now, s.where()); err != nil {
		return err
	}
	if to.Max < have.Max {
		return s.SetMaxMemory(ctx, name, to.Max)
	}
	return nil
}

func oneOf[T comparable](value T, of ...T) bool {
	for _, one := range of {
		if value == one {
			return true
		}
	}
	return false
}

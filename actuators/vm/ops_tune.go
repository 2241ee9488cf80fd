package vm

import (
	"context"
	"time"

	"plumbline/actuators"
	"plumbline/actuators/internal/virt"
)

// CPUChange sets the CPUs of the definition, and plugs them into the running guest.
type CPUChange struct {
	Ref
	CPU  CPU  `json:"cpu"`
	Live bool `json:"live,omitempty"`
}

// CPUs is how many there were.
type CPUs struct {
	Defined CPU `json:"defined"`
	Live    int `json:"live,omitempty"`
}

var setCPU = actuators.Op[CPUChange, CPUs, State]{
	Name: "set-cpu", Reversal: actuators.Compensate, Timeout: time.Minute, // a guest gives CPUs back when it likes
	Capture: func(ctx context.Context, h actuators.Host, p CPUChange) (CPUs, error) {
		return captured(ctx, h, p.Ref, func(l State) CPUs { return CPUs{Defined: l.Config.CPU, Live: l.Status.CPUs} })
	},
	Do: func(ctx context.Context, h actuators.Host, p CPUChange, _ CPUs) error {
		return within(ctx, h, p.Ref, func(s *session) error {
			if err := s.cpus(ctx, p.Domain, p.CPU); err != nil || !p.Live || s.state.Status.CPUs >= p.CPU.Now {
				return err
			}
			return s.SetVCPUs(ctx, p.Domain, p.CPU.Now, virt.Live)
		})
	},
	Undo: func(ctx context.Context, h actuators.Host, p CPUChange, before CPUs) error {
		return within(ctx, h, p.Ref, func(s *session) error {
			now := s.state.Config.CPU
			if !oneOf(now.Now, p.CPU.Now, before.Defined.Now) || !oneOf(now.Max, p.CPU.Max, before.Defined.Max) {
				return actuators.Stuck("CPUs of domain "+p.Domain, now, before.Defined)
			}
			if err := s.cpus(ctx, p.Domain, before.Defined); err != nil || !p.Live {
				return err
			}
			return s.askBack(ctx, p.Domain, before.Live)
		})
	},
	Predict: func(p CPUChange, have *State) *State {
		return predictState(have, func(l *State) {
			l.Config.CPU = p.CPU
			if p.Live {
				l.Status.CPUs = p.CPU.Now
			}
		})
	},
	Settled: func(l State) (bool, error) {
		return !l.Config.active() || l.Status.CPUs >= l.Config.CPU.Now, nil
	},
}

// askBack asks a running guest for its CPUs above a number. One that refuses keeps them until its next boot, which the
// next plan notes.
func (s *session) askBack(ctx context.Context, name string, n int) error {
	if n == 0 || s.state.Status.CPUs <= n || !s.domain.State.Active() {
		return nil
	}
	if s.SetVCPUs(ctx, name, n, virt.Live) == nil {
		return nil
	}
	_, err := s.State(ctx, name) // libvirt's "no" is the guest's answer; a broken connection is none
	return err
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
	return nil
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

package vm

import (
	"context"
	"time"

	"plumbline/actuators"
	"plumbline/actuators/internal/virt"
)

// Power is a start or a stop. Timeout is how long a guest has to shut down before it is forced off.
type Power struct {
	Ref
	Timeout time.Duration `json:"timeout"`
}

// Powered is how the domain was.
type Powered struct {
	Power string `json:"power"`
}

func capturePower(ctx context.Context, h actuators.Host, p Power) (Powered, error) {
	return captured(ctx, h, p.Ref, func(l State) Powered { return Powered{Power: l.Config.Power} })
}

// powerTimeout leaves room around the longest declared stop.
const powerTimeout = longest + 2*time.Minute

var start = actuators.Op[Power, Powered, State]{
	Name: "start", Reversal: actuators.Compensate, Timeout: powerTimeout, // what the guest wrote to its disks stays
	Capture: capturePower,
	Do:      func(ctx context.Context, h actuators.Host, p Power, _ Powered) error { return turnOn(ctx, h, p) },
	Undo: func(ctx context.Context, h actuators.Host, p Power, before Powered) error {
		switch before.Power {
		case stopped:
			return turnOff(ctx, h, p)
		case "paused":
			return within(ctx, h, p.Ref, func(s *session) error {
				if s.domain.State != virt.Running {
					return nil
				}
				return s.Suspend(ctx, p.Domain)
			})
		}
		return nil
	},
	Predict: func(_ Power, have *State) *State { return predictState(have, started) },
}

var stop = actuators.Op[Power, Powered, State]{
	Name: "stop", Reversal: actuators.Compensate, Timeout: powerTimeout, // the guest boots anew
	Capture: capturePower,
	Do:      func(ctx context.Context, h actuators.Host, p Power, _ Powered) error { return turnOff(ctx, h, p) },
	Undo: func(ctx context.Context, h actuators.Host, p Power, before Powered) error {
		if before.Power == stopped {
			return nil
		}
		return turnOn(ctx, h, p)
	},
	Predict: func(_ Power, have *State) *State { return predictState(have, ended) },
}

// started is what a start makes of the definition: the guest has all that it says.
func started(l *State) {
	c := &l.Config
	if c.Power == stopped {
		l.Status.CPUs = c.CPU.Now
		setLive(c, true)
	}
	c.Power = running
}

// ended is what a stop leaves: the definition.
func ended(l *State) {
	c := &l.Config
	l.Status.CPUs = 0
	c.Power = stopped
	var disks []Disk
	for _, d := range c.Disks {
		if !d.Extra {
			disks = append(disks, d)
		}
	}
	var nics []NIC
	for _, n := range c.NICs {
		if !n.Extra {
			nics = append(nics, n)
		}
	}
	c.Disks, c.NICs = disks, nics
	setLive(c, false)
}

func setLive(c *Config, live bool) {
	for i := range c.Disks {
		c.Disks[i].Live = live
	}
	for i := range c.NICs {
		c.NICs[i].Live, c.NICs[i].Cut = live, ""
	}
}

func turnOn(ctx context.Context, h actuators.Host, p Power) error {
	return within(ctx, h, p.Ref, func(s *session) error {
		switch {
		case s.domain.State == virt.Paused:
			return s.Resume(ctx, p.Domain)
		case s.domain.State.Active():
			return nil
		}
		return s.Create(ctx, p.Domain)
	})
}

// turnOff asks the guest to shut down, again every few seconds because a guest that still boots does not hear it, and
// pulls the plug when its time is over.
func turnOff(ctx context.Context, h actuators.Host, p Power) error {
	return within(ctx, h, p.Ref, func(s *session) error {
		limit := time.NewTimer(p.Timeout)
		defer limit.Stop()
		ask := time.NewTicker(5 * time.Second)
		defer ask.Stop()
		look := time.NewTicker(200 * time.Millisecond)
		defer look.Stop()
		s.Shutdown(ctx, p.Domain) // if it cannot be asked, the limit decides
		for {
			state, err := s.State(ctx, p.Domain)
			if err != nil || !state.Active() {
				return err
			}
			select {
			case <-look.C:
			case <-ask.C:
				s.Shutdown(ctx, p.Domain)
			case <-limit.C:
				return force(ctx, s, p.Domain)
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	})
}

// force ends a domain; that it ended by itself just now is as good.
func force(ctx context.Context, s *session, name string) error {
	err := s.Destroy(ctx, name)
	if state, look := s.State(ctx, name); look == nil && !state.Active() {
		return nil
	}
	return err
}

package vm

import (
	"context"
	"encoding/xml"
	"slices"
	"time"

	"plumbline/actuators"
	"plumbline/actuators/internal/virt"
)

// DiskChange attaches or detaches a disk; Disk.Live says whether the running guest is meant too.
type DiskChange struct {
	Ref
	Disk Disk `json:"disk"`
}

// NICChange attaches or detaches a network card.
type NICChange struct {
	Ref
	NIC NIC `json:"nic"`
}

// Present says in which halves of the domain a device is.
type Present struct {
	Config bool `json:"config"`
	Live   bool `json:"live"`
}

func (d Disk) in(l State) Present {
	return present(l.Config.Disks, func(o Disk) (bool, bool, bool) { return o.Path == d.Path && o.Target == d.Target, o.Live, o.Extra })
}

func (n NIC) in(l State) Present {
	return present(l.Config.NICs, func(o NIC) (bool, bool, bool) {
		return o.MAC == n.MAC && o.Network == n.Network && o.Bridge == n.Bridge, o.Live, o.Extra
	})
}

func present[D any](all []D, is func(D) (same, live, extra bool)) Present {
	for _, one := range all {
		if same, live, extra := is(one); same {
			return Present{Config: !extra, Live: live}
		}
	}
	return Present{}
}

func (d Disk) xml() (string, error) {
	x := diskXML(d)
	text, err := xml.Marshal(&x)
	return string(text), err
}

func (n NIC) xml() (string, error) {
	x := nicXML(n)
	text, err := xml.Marshal(&x)
	return string(text), err
}

// device is what attach and detach need of a disk or a card.
type device interface {
	in(l State) Present
	xml() (string, error)
}

// bring makes a device present where want says so and leaves it elsewhere.
func (s *session) bring(ctx context.Context, name string, d device, want Present) error {
	have := d.in(s.state)
	text, err := d.xml()
	if err != nil {
		return err
	}
	if want.Config && !have.Config {
		if err := s.Attach(ctx, name, text, virt.Config); err != nil {
			return err
		}
	}
	if want.Live && !have.Live && s.domain.State.Active() {
		return s.Attach(ctx, name, text, virt.Live)
	}
	return nil
}

// take removes a device where from says so. A running guest lets go of it when it likes.
func (s *session) take(ctx context.Context, name string, d device, from Present) error {
	have := d.in(s.state)
	text, err := d.xml()
	if err != nil {
		return err
	}
	if from.Live && have.Live && s.domain.State.Active() {
		if err := s.Detach(ctx, name, text, virt.Live); err != nil {
			return err
		}
		if err := s.gone(ctx, name, d); err != nil {
			return err
		}
	}
	if from.Config && have.Config {
		return s.Detach(ctx, name, text, virt.Config)
	}
	return nil
}

// gone waits until the running domain has lost a device.
func (s *session) gone(ctx context.Context, name string, d device) error {
	look := time.NewTicker(200 * time.Millisecond)
	defer look.Stop()
	for {
		domain, err := s.Domain(ctx, name)
		if err != nil {
			return err
		}
		now, err := read(domain)
		if err != nil || !d.in(now.state).Live {
			return err
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func attachOp[P any](name string, of func(P) (Ref, device, bool), add func(p P, c *Config)) actuators.Op[P, Present, State] {
	return actuators.Op[P, Present, State]{
		Name: name, Reversal: actuators.Exact, Timeout: time.Minute,
		Capture: func(ctx context.Context, h actuators.Host, p P) (Present, error) {
			r, d, _ := of(p)
			return captured(ctx, h, r, d.in)
		},
		Do: func(ctx context.Context, h actuators.Host, p P, _ Present) error {
			r, d, live := of(p)
			return within(ctx, h, r, func(s *session) error {
				return s.bring(ctx, r.Domain, d, Present{Config: true, Live: live})
			})
		},
		Undo: func(ctx context.Context, h actuators.Host, p P, before Present) error {
			r, d, live := of(p)
			return within(ctx, h, r, func(s *session) error {
				return s.take(ctx, r.Domain, d, Present{Config: !before.Config, Live: live && !before.Live})
			})
		},
		Predict: func(p P, have *State) *State { return predict(have, func(c *Config) { add(p, c) }) },
	}
}

// detachOp works on the definition only: a running guest is restarted around it, because nobody can make it let go.
func detachOp[P any](name string, of func(P) (Ref, device, bool), remove func(p P, c *Config)) actuators.Op[P, Present, State] {
	return actuators.Op[P, Present, State]{
		Name: name, Reversal: actuators.Exact, Timeout: time.Minute,
		Capture: func(ctx context.Context, h actuators.Host, p P) (Present, error) {
			r, d, _ := of(p)
			return captured(ctx, h, r, d.in)
		},
		Do: func(ctx context.Context, h actuators.Host, p P, _ Present) error {
			r, d, _ := of(p)
			return within(ctx, h, r, func(s *session) error { return s.take(ctx, r.Domain, d, Present{Config: true}) })
		},
		Undo: func(ctx context.Context, h actuators.Host, p P, before Present) error {
			r, d, _ := of(p)
			return within(ctx, h, r, func(s *session) error {
				return s.bring(ctx, r.Domain, d, Present{Config: before.Config})
			})
		},
		Predict: func(p P, have *State) *State { return predict(have, func(c *Config) { remove(p, c) }) },
	}
}

func ofDisk(p DiskChange) (Ref, device, bool) { return p.Ref, p.Disk, p.Disk.Live }
func ofNIC(p NICChange) (Ref, device, bool)   { return p.Ref, p.NIC, p.NIC.Live }

var attachDisk = attachOp("attach-disk", ofDisk, func(p DiskChange, c *Config) {
	removeDisk(p, c)
	d := p.Disk
	d.Live, d.Extra = d.Live && c.active(), false
	c.Disks = append(c.Disks, d)
	slices.SortFunc(c.Disks, compareDisks)
})

var detachDisk = detachOp("detach-disk", ofDisk, removeDisk)

func removeDisk(p DiskChange, c *Config) {
	c.Disks = slices.DeleteFunc(c.Disks, func(d Disk) bool { return d.Path == p.Disk.Path && d.Target == p.Disk.Target })
}

var attachNIC = attachOp("attach-nic", ofNIC, func(p NICChange, c *Config) {
	removeNIC(p, c)
	n := p.NIC
	n.Live, n.Extra = n.Live && c.active(), false
	c.NICs = append(c.NICs, n)
	slices.SortFunc(c.NICs, compareNICs)
})

var detachNIC = detachOp("detach-nic", ofNIC, removeNIC)

func removeNIC(p NICChange, c *Config) {
	c.NICs = slices.DeleteFunc(c.NICs, func(n NIC) bool {
		return n.MAC == p.NIC.MAC && n.Network == p.NIC.Network && n.Bridge == p.NIC.Bridge
	})
}

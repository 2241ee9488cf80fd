package network

import (
	"context"
	"errors"
	"fmt"

	"plumbline/actuators"
	"plumbline/actuators/internal/virt"
)

// session is one visit to libvirt on behalf of one network. It looks again after each change.
type session struct {
	ctx  context.Context
	conn *virt.Conn
	p    params

	there   bool
	network virt.Network
	live    State
	mark    *actuators.Mark
}

func (s *session) look() (err error) {
	s.network, err = s.conn.Network(s.ctx, s.p.Network)
	s.there = err == nil
	if errors.Is(err, actuators.ErrNotFound) {
		s.live, s.mark = State{}, nil
		return nil
	}
	if err != nil {
		return err
	}
	s.live, s.mark, err = read(s.network)
	return err
}

func (s *session) ours() bool {
	return s.mark != nil && s.mark.Installation == s.p.Mark.Installation && s.mark.ID == s.p.Mark.ID
}

func (s *session) mustBeOurs() error {
	if s.there && !s.ours() {
		return actuators.Foreign("a network of this name")
	}
	return nil
}

func (s *session) mustBeThere() error {
	if !s.there {
		return fmt.Errorf("%w: it is not there", actuators.ErrNotFound)
	}
	return s.mustBeOurs()
}

func (s *session) mustBeAdoptable() error {
	if s.there && s.mark == nil {
		return nil
	}
	return s.mustBeThere()
}

func (s *session) capture(unmarked bool) (before, error) {
	check := s.mustBeOurs
	if unmarked {
		check = s.mustBeAdoptable
	}
	if err := check(); err != nil || !s.there {
		return before{}, err
	}
	return before{XML: s.network.XML, Bridge: s.live.Config.Bridge, Active: s.network.Active, Autostart: s.network.Autostart}, nil
}

func (s *session) define(text string) error {
	if err := s.conn.NetworkDefine(s.ctx, text); err != nil {
		return err
	}
	return s.look()
}

// rebridge stops the network if it has to change its bridge, because a running one keeps the bridge that it started with.
func (s *session) rebridge(bridge string) error {
	if s.live.Config.Bridge == bridge {
		return nil
	}
	if s.network.Active {
		if err := s.conn.NetworkDestroy(s.ctx, s.p.Network); err != nil {
			return err
		}
	}
	return s.define(onBridge(s.network.XML, bridge))
}

func (s *session) set(active, autostart bool) error {
	if s.network.Autostart != autostart {
		if err := s.conn.NetworkSetAutostart(s.ctx, s.p.Network, autostart); err != nil {
			return err
		}
	}
	switch {
	case active && !s.network.Active:
		if err := s.conn.NetworkCreate(s.ctx, s.p.Network); err != nil {
			return err
		}
	case !active && s.network.Active:
		if err := s.conn.NetworkDestroy(s.ctx, s.p.Network); err != nil {
			return err
		}
	}
	return s.look()
}

// forget stops the network and undefines it; an absent one is no error.
func (s *session) forget() error {
	if !s.there {
		return nil
	}
	if s.network.Active {
		if err := s.conn.NetworkDestroy(s.ctx, s.p.Network); err != nil {
			return err
		}
	}
	return s.conn.NetworkUndefine(s.ctx, s.p.Network)
}

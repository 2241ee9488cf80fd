package vm

import (
	"context"
	"errors"
	"fmt"

	"plumbline/actuators"
	"plumbline/actuators/internal/virt"
)

// Ref names the domain that an op works on, and the mark that it must carry.
type Ref struct {
	Domain string         `json:"domain"`
	Mark   actuators.Mark `json:"mark"`
}

// Nothing is what an op captures when Undo needs nothing.
type Nothing struct{}

// ours tells whether a domain carries the mark of the same installation and object.
func (r Ref) ours(m *actuators.Mark) bool {
	return m != nil && m.Installation == r.Mark.Installation && m.ID == r.Mark.ID
}

// session is a connection with our domain found on it.
type session struct {
	*virt.Conn
	domain virt.Domain
	mark   *actuators.Mark
	state  State
}

// open finds a domain by name, whosever it is. The domain is absent when ErrNotFound comes back with a session.
func open(ctx context.Context, h actuators.Host, name string) (*session, error) {
	c, err := virt.Open(ctx, h)
	if err != nil {
		return nil, err
	}
	s := &session{Conn: c}
	if s.domain, err = c.Domain(ctx, name); err != nil {
		if errors.Is(err, actuators.ErrNotFound) {
			return s, err
		}
		c.Close()
		return nil, err
	}
	live, err := identify(s.domain)
	if err != nil {
		c.Close()
		return nil, err
	}
	s.mark, s.state = live.Mark, live.State
	return s, nil
}

// owned finds the domain of an op and refuses one that is not ours.
func owned(ctx context.Context, h actuators.Host, r Ref) (*session, error) {
	s, err := open(ctx, h, r.Domain)
	if err != nil {
		if s != nil {
			s.Close()
		}
		return nil, err
	}
	if !r.ours(s.mark) {
		s.Close()
		return nil, fmt.Errorf("cannot change domain %s: %w", r.Domain, actuators.Foreign("a domain of this name"))
	}
	return s, nil
}

// within runs f on our domain.
func within(ctx context.Context, h actuators.Host, r Ref, f func(s *session) error) error {
	s, err := owned(ctx, h, r)
	if err != nil {
		return err
	}
	defer s.Close()
	return f(s)
}

// captured reads something of our domain.
func captured[B any](ctx context.Context, h actuators.Host, r Ref, f func(l State) B) (B, error) {
	var before B
	err := within(ctx, h, r, func(s *session) error {
		before = f(s.state)
		return nil
	})
	return before, err
}

// where is both halves of a domain that runs, and its definition otherwise.
func (s *session) where() virt.Scope {
	if s.domain.State.Active() {
		return virt.Config | virt.Live
	}
	return virt.Config
}

// predict changes the configuration of a copy of the state.
func predict(have *State, change func(c *Config)) *State {
	return predictState(have, func(l *State) { change(&l.Config) })
}

func predictState(have *State, change func(l *State)) *State {
	if have == nil {
		return nil
	}
	after := have.clone()
	change(after)
	return after
}

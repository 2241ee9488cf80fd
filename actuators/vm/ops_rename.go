package vm

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"plumbline/actuators"
	"plumbline/schema"
)

// Renaming writes our mark of another object into the domain of an earlier name, running or not.
type Renaming struct {
	Ref
	Was    actuators.Mark `json:"was"`
	Config Config         `json:"config"` // as it is
}

// Naming gives the domain, which is off, its object's name.
type Naming struct {
	Ref
	From string `json:"from"`
}

// renameSteps: the mark first, so that from then on it is ours under its new name; libvirt renames only what is off.
func renameSteps(sub actuators.Subject, was schema.ID, want *Spec, have actuators.Have[State]) ([]actuators.Step, error) {
	l, name := *have.Here, sub.Instance.ID.Name()
	from := cmp.Or(l.Status.Name, was.Name())
	switch {
	case l.Config.Transient:
		return nil, fmt.Errorf("%w: its domain %s runs without a definition; let that be mended under the old name, and rename it then", actuators.ErrRefused, from)
	case l.Status.Saved:
		return nil, fmt.Errorf("%w: libvirt renames no domain with a saved image; start %s, or drop the image (virsh managedsave-remove)", actuators.ErrRefused, from)
	}
	p := &planner{ref: Ref{Domain: from, Mark: sub.Mark}, want: want}
	p.add(actuators.OpRename, Renaming{Ref: p.ref, Was: *have.Mark, Config: l.Config}, "mark domain "+from+" as "+string(sub.Instance.ID))
	if l.Config.active() {
		why := "restart, for its new name"
		if want.Power != running {
			why = "down"
		}
		p.stop(why, want.stopTimeout())
	}
	if from != name {
		p.ref.Domain = name
		p.add("rename-domain", Naming{Ref: p.ref, From: from}, "rename domain "+from+" to "+name)
	}
	return p.steps, nil
}

var renameMark = actuators.Op[Renaming, Nothing, State]{
	Name: actuators.OpRename, Reversal: actuators.Exact,
	Preflight: renameable,
	Capture: func(ctx context.Context, h actuators.Host, p Renaming) (Nothing, error) {
		return Nothing{}, within(ctx, h, p.earlier(), func(*session) error { return nil })
	},
	Do: func(ctx context.Context, h actuators.Host, p Renaming, _ Nothing) error {
		return p.mark(ctx, h, p.Was, p.Mark)
	},
	Undo: func(ctx context.Context, h actuators.Host, p Renaming, _ Nothing) error {
		return p.mark(ctx, h, p.Mark, p.Was)
	},
	Predict: func(p Renaming, have *State) *State {
		if have == nil {
			have = &State{Config: p.Config, Status: Status{Name: p.Domain}}
		}
		return have.clone()
	},
}

func (p Renaming) earlier() Ref { return Ref{Domain: p.Domain, Mark: p.Was} }

// renameable asks what would stop libvirt later: a domain of the new name, and snapshots.
func renameable(ctx context.Context, h actuators.Host, p Renaming) error {
	err := within(ctx, h, p.earlier(), func(s *session) error { return s.noSnapshots(ctx, p.Domain) })
	if name := p.Mark.ID.Name(); err == nil && name != p.Domain {
		var s *session
		if s, err = open(ctx, h, name); s != nil {
			defer s.Close()
		}
		switch {
		case errors.Is(err, actuators.ErrNotFound):
			err = nil
		case err == nil:
			err = fmt.Errorf("cannot rename domain %s to %s: %w", p.Domain, name, actuators.Foreign("a domain of this name"))
		}
	}
	return err
}

// noSnapshots refuses a domain that libvirt would not rename.
func (s *session) noSnapshots(ctx context.Context, domain string) error {
	n, err := s.Snapshots(ctx, domain)
	if err == nil && n > 0 {
		err = fmt.Errorf("cannot rename domain %s: %w: it has %d snapshots, and libvirt renames no such domain; delete them (virsh snapshot-delete)", domain, actuators.ErrRefused, n)
	}
	return err
}

// mark replaces one of our marks by another; that it is there already is no error.
func (p Renaming) mark(ctx context.Context, h actuators.Host, from, to actuators.Mark) error {
	s, err := open(ctx, h, p.Domain)
	if s != nil {
		defer s.Close()
	}
	switch {
	case err != nil:
		return err
	case Ref{Mark: to}.ours(s.mark):
		return nil
	case !(Ref{Mark: from}).ours(s.mark):
		return fmt.Errorf("cannot mark domain %s as %s: %w", p.Domain, to.ID, actuators.Foreign("a domain of this name"))
	}
	return s.SetMetadata(ctx, p.Domain, markPrefix, markURI, element(to, s.domain.UUID, s.state.Config.Stop))
}

var renameDomain = actuators.Op[Naming, Nothing, State]{
	Name: "rename-domain", Reversal: actuators.Exact,
	Capture: func(ctx context.Context, h actuators.Host, p Naming) (Nothing, error) {
		from := p.Ref
		from.Domain = p.From
		return Nothing{}, within(ctx, h, from, func(*session) error { return nil })
	},
	Do: func(ctx context.Context, h actuators.Host, p Naming, _ Nothing) error {
		return rename(ctx, h, p.Ref, p.From, p.Domain)
	},
	Undo: func(ctx context.Context, h actuators.Host, p Naming, _ Nothing) error {
		return rename(ctx, h, p.Ref, p.Domain, p.From)
	},
	Predict: func(p Naming, have *State) *State {
		return predictState(have, func(l *State) { l.Status.Name = p.Domain })
	},
}

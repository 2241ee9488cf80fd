package vip

import (
	"context"
	"net/netip"

	"plumbline/actuators"
	"plumbline/actuators/internal/link"
	"plumbline/schema"
)

func observe(ctx context.Context, h actuators.Host, sc actuators.Scope) ([]actuators.Live[State], error) {
	lives, err := configs(ctx, h, sc)
	if err == nil && len(lives) > 0 {
		err = tellHolders(ctx, lives)
	}
	if err == nil && sc.Discover {
		var more []actuators.Live[State]
		more, err = foreign(h)
		lives = append(lives, more...)
	}
	return lives, err
}

// tellHolders asks who has the addresses now.
func tellHolders(ctx context.Context, lives []actuators.Live[State]) error {
	w, err := lookAround(ctx)
	if err != nil {
		return err
	}
	for n := range lives {
		if lives[n].State.Status, err = w.status(ctx, lives[n].State.Config); err != nil {
			return err
		}
	}
	return nil
}

// configs is what the files of keepalived say, and whether it runs.
func configs(_ context.Context, h actuators.Host, sc actuators.Scope) ([]actuators.Live[State], error) {
	names, err := configured()
	if err != nil {
		return nil, err
	}
	on, err := running(h)
	if err != nil {
		return nil, err
	}
	scattered, err := apart(h, sc.Targets)
	if err != nil {
		return nil, err
	}
	asked := map[schema.ID]bool{}
	for _, target := range sc.Targets {
		asked[target.ID] = true
	}
	var lives []actuators.Live[State]
	for _, name := range names {
		live := actuators.Live[State]{ID: schema.MakeID("vip", name)}
		content, err := readFile(h, confPath(name))
		if err != nil {
			return nil, err
		}
		if content == "" || !sc.All && !asked[live.ID] {
			continue
		}
		live.State.Config, live.Mark = parse(name, content)
		live.State.Config.Stopped = !on
		live.State.Config.Apart = scattered[name]
		lives = append(lives, live)
	}
	return lives, nil
}

// world is what a host shows of all its addresses.
type world struct {
	links     link.Links
	addresses []link.Address
}

func lookAround(ctx context.Context) (w world, err error) {
	if w.links, err = link.List(ctx); err != nil {
		return w, err
	}
	w.addresses, err = link.Addresses(ctx, w.links)
	return w, err
}

// status asks the segment only when this host does not hold the address itself.
func (w world) status(ctx context.Context, c Config) (Status, error) {
	prefix, err := netip.ParsePrefix(c.Address)
	if err != nil {
		return Status{}, nil // the file was edited beyond reading, which Config tells
	}
	for _, a := range w.addresses {
		if a.Link.Name == c.Interface && a.Prefix.Addr() == prefix.Addr() {
			return Status{Holds: true}, nil
		}
	}
	one, found := w.links.Name(c.Interface)
	if !found || !one.Asks() || !prefix.Addr().Is4() {
		return Status{}, nil
	}
	owner, err := link.Answers(ctx, one, prefix.Addr())
	if err != nil {
		return Status{}, err
	}
	return Status{Holder: owner.String()}, nil
}

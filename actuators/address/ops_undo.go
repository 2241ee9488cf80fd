package address

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"plumbline/actuators"
	"plumbline/actuators/internal/link"
)

// goBack puts the old address back before it takes the new one away, and at last the record; what an interface that is
// gone took along is told. Without a record of ours nothing was added yet.
func goBack(ctx context.Context, h actuators.Host, p params, b before) error {
	r, err := readRecord(h, p.Mark.ID)
	if err != nil || !r.ours(p.Mark) {
		return err
	}
	var lost error
	if b.Old && b.Record.Place != p.Place {
		switch err := putBack(ctx, *b.Record); {
		case errors.Is(err, actuators.ErrNotFound):
			lost = actuators.Gone("interface " + b.Record.Interface)
		case err != nil:
			return err
		}
	}
	if !b.There && r.Place == p.Place { // until the record names it, what is there is somebody else's
		if err := leave(ctx, h, p, p.Place); err != nil {
			return err
		}
	}
	if err := switchBack(ctx, p.Place, b); err != nil {
		return err
	}
	if err := putRoutes(ctx, b.Routes); err != nil {
		return err
	}
	return errors.Join(writeRecord(h, p.Mark.ID, b.Record), lost)
}

func putBack(ctx context.Context, r record) error {
	one, there, err := find(ctx, r.Place)
	if err != nil || there {
		return err
	}
	return link.AddAddress(ctx, one, r.Address)
}

// switchBack switches an interface off that was off before, unless somebody has begun to use it.
func switchBack(ctx context.Context, at Place, b before) error {
	links, err := link.List(ctx)
	if err != nil {
		return err
	}
	one, found := links.Name(at.Interface)
	if !found || b.Up || !one.Up || one.Master != 0 || len(links.Ports(one)) > 0 {
		return nil
	}
	addresses, err := link.Addresses(ctx, links)
	if err != nil {
		return err
	}
	for _, a := range addresses {
		known := placeOf(a) == at || slices.Contains(b.Others, placeOf(a))
		if a.Link.Index == one.Index && !a.Local && !known {
			return nil
		}
	}
	return link.SetUp(ctx, one, false)
}

// find looks for an address at its place. An absent interface is ErrNotFound.
func find(ctx context.Context, at Place) (one link.Link, there bool, err error) {
	links, err := link.List(ctx)
	if err != nil {
		return one, false, err
	}
	one, found := links.Name(at.Interface)
	if !found {
		return one, false, fmt.Errorf("%w: there is no interface %s", actuators.ErrNotFound, at.Interface)
	}
	addresses, err := link.Addresses(ctx, links)
	if err != nil {
		return one, false, err
	}
	for _, a := range addresses {
		there = there || placeOf(a) == at
	}
	return one, there, nil
}

func ignoreGone(err error) error {
	if errors.Is(err, actuators.ErrNotFound) {
		return nil
	}
	return err
}

package address

import (
	"context"
	"fmt"
	"time"

	"plumbline/actuators"
	"plumbline/actuators/internal/link"
)

// confirm is how long a change may wait for its confirmation: each may cut the way by which it came.
const confirm = 60 * time.Second

// params serve every op of the kind.
type params struct {
	Mark actuators.Mark `json:"mark"`
	Place
}

// before is what an op found.
type before struct {
	Record *record `json:"record,omitempty"` // the object's own, of this or an earlier place
	Old    bool    `json:"old,omitempty"`    // the place of the record had its address
	There  bool    `json:"there,omitempty"`  // the wanted place had its address
	Up     bool    `json:"up,omitempty"`     // the wanted interface was on
	Others []Place `json:"others,omitempty"` // what else stood on the wanted interface
	Routes []route `json:"routes,omitempty"` // which the kernel may take along with an address
}

// route is a route through an interface.
type route struct {
	Interface string     `json:"interface"`
	Route     link.Route `json:"route"`
}

var (
	add    = placeOp("add")
	move   = placeOp("move")
	up     = placeOp("up")
	remove = actuators.Op[params, before, State]{
		Name: "remove", Reversal: actuators.Exact, Confirm: confirm,
		Capture: capture,
		Do: func(ctx context.Context, h actuators.Host, p params, b before) error {
			if err := leave(ctx, h, p, p.Place); err != nil {
				return err
			}
			return writeRecord(h, p.Mark.ID, nil)
		},
		Undo: func(ctx context.Context, h actuators.Host, p params, b before) error {
			if !b.There {
				return writeRecord(h, p.Mark.ID, b.Record)
			}
			if err := enter(ctx, h, p.Mark, b.Record, p.Place); err != nil {
				return err
			}
			return putRoutes(ctx, b.Routes)
		},
		Predict: func(params, *State) *State { return nil },
	}
	adopt = actuators.Op[params, before, State]{
		Name: "adopt", Reversal: actuators.Exact,
		Capture: func(_ context.Context, h actuators.Host, p params) (before, error) {
			r, err := readRecord(h, p.Mark.ID)
			return before{Record: r}, err
		},
		Do: func(ctx context.Context, h actuators.Host, p params, _ before) error {
			_, there, err := find(ctx, p.Place)
			if err == nil && !there {
				err = fmt.Errorf("%w: there is no %s to take over", actuators.ErrNotFound, p.Place)
			}
			if err != nil {
				return err
			}
			return writeRecord(h, p.Mark.ID, &record{p.Mark, p.Place})
		},
		Undo: func(_ context.Context, h actuators.Host, p params, b before) error {
			return writeRecord(h, p.Mark.ID, b.Record)
		},
		Predict: func(_ params, have *State) *State { return have },
	}
)

// placeOp brings the address to its place, whatever of that is missing: the three ops differ in what they find.
func placeOp(name string) actuators.Op[params, before, State] {
	return actuators.Op[params, before, State]{
		Name: name, Reversal: actuators.Exact, Confirm: confirm,
		Preflight: func(ctx context.Context, h actuators.Host, p params) error {
			_, err := capture(ctx, h, p)
			return err
		},
		Capture: capture,
		Do:      arrive,
		Undo:    goBack,
		Predict: func(p params, _ *State) *State {
			return &State{Config: Config{Interface: p.Interface, Address: p.Address.String()}}
		},
		Settled: func(l State) (bool, error) { return !l.Status.Tentative, nil },
	}
}

// capture refuses an address that the host has without our record.
func capture(ctx context.Context, h actuators.Host, p params) (before, error) {
	var b before
	var err error
	if b.Record, err = readRecord(h, p.Mark.ID); err != nil {
		return b, err
	}
	if b.Record != nil && !b.Record.ours(p.Mark) {
		return b, actuators.Foreign(b.Record.Place.String())
	}
	links, err := link.List(ctx)
	if err != nil {
		return b, err
	}
	one, found := links.Name(p.Interface)
	if !found {
		return b, fmt.Errorf("%w: there is no interface %s", actuators.ErrNotFound, p.Interface)
	}
	b.Up = one.Up
	if b.Routes, err = routes(ctx, links, p, b.Record); err != nil {
		return b, err
	}
	addresses, err := link.Addresses(ctx, links)
	if err != nil {
		return b, err
	}
	for _, a := range addresses {
		if a.Link.Name == p.Interface && placeOf(a) != p.Place {
			b.Others = append(b.Others, placeOf(a))
		}
		own := b.Record != nil && placeOf(a) == b.Record.Place
		b.Old = b.Old || own
		b.There = b.There || placeOf(a) == p.Place
		if !own && a.Prefix.Addr() == p.Address.Addr() {
			return b, actuators.Foreign(placeOf(a).String())
		}
	}
	return b, nil
}

// arrive adds the address before it takes the old one away.
func arrive(ctx context.Context, h actuators.Host, p params, b before) error {
	if err := enter(ctx, h, p.Mark, &record{p.Mark, p.Place}, p.Place); err != nil {
		return err
	}
	one, _, err := find(ctx, p.Place)
	if err == nil && !one.Up {
		err = link.SetUp(ctx, one, true)
	}
	if err != nil || !b.Old || b.Record.Place == p.Place {
		return err
	}
	return leave(ctx, h, p, b.Record.Place)
}

// enter writes the record, then the address.
func enter(ctx context.Context, h actuators.Host, mark actuators.Mark, r *record, at Place) error {
	one, there, err := find(ctx, at)
	if err != nil {
		return err
	}
	if there {
		live, err := readRecord(h, mark.ID)
		if err != nil || live.ours(mark) && live.Place == at {
			return err
		}
		return actuators.Foreign(at.String())
	}
	if err := writeRecord(h, mark.ID, r); err != nil {
		return err
	}
	return link.AddAddress(ctx, one, at.Address)
}

// leave removes an address that is ours. An interface that is gone took it along.
func leave(ctx context.Context, h actuators.Host, p params, at Place) error {
	one, there, err := find(ctx, at)
	if err != nil || !there {
		return ignoreGone(err)
	}
	r, err := readRecord(h, p.Mark.ID)
	if err != nil {
		return err
	}
	if !r.ours(p.Mark) {
		return actuators.Foreign(at.String())
	}
	return link.RemoveAddress(ctx, one, at.Address)
}

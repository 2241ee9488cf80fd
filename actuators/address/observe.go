package address

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"

	"plumbline/actuators"
	"plumbline/actuators/internal/link"
	"plumbline/schema"
)

func observe(ctx context.Context, h actuators.Host, sc actuators.Scope) ([]actuators.Live[State], error) {
	known, err := records(h)
	if err != nil {
		return nil, err
	}
	wanted := map[schema.ID]netip.Addr{}
	for _, target := range sc.Targets {
		var s Spec
		if err := json.Unmarshal(target.Spec, &s); err != nil {
			return nil, fmt.Errorf("internal error: cannot read the spec of %s: %w", target.ID, err)
		}
		wanted[target.ID] = s.place().Address.Addr()
	}
	addresses, err := list(ctx, known, wanted, sc.All)
	if err != nil {
		return nil, err
	}
	var lives []actuators.Live[State]
	for _, a := range addresses {
		if live, ok := identify(a, known, wanted, sc.All); ok {
			lives = append(lives, live)
		}
	}
	return lives, nil
}

// list reads all addresses, or those that targets want or have by their records.
func list(ctx context.Context, known map[schema.ID]*record, wanted map[schema.ID]netip.Addr, all bool) ([]link.Address, error) {
	if !all {
		asked := map[netip.Addr]bool{}
		for id, ip := range wanted {
			asked[ip] = true
			if r := known[id]; r != nil {
				asked[r.Place.Address.Addr()] = true
			}
		}
		return link.AddressesAmong(ctx, func(ip netip.Addr) bool { return asked[ip] })
	}
	links, err := link.List(ctx)
	if err != nil {
		return nil, err
	}
	return link.Addresses(ctx, links)
}

// identify tells whose an address is: of the object whose record names it; without one, of the object that wants the same
// address, on whatever interface, so that it is seen to be taken.
func identify(a link.Address, known map[schema.ID]*record, wanted map[schema.ID]netip.Addr, all bool) (actuators.Live[State], bool) {
	live := actuators.Live[State]{State: stateOf(a)}
	for id, r := range known {
		if r.Place == placeOf(a) {
			_, asked := wanted[id]
			live.ID, live.Mark = id, &r.Mark
			return live, asked || all
		}
	}
	for id, ip := range wanted {
		if ip == a.Prefix.Addr() {
			live.ID = id
			return live, true
		}
	}
	live.ID = schema.MakeID("address", a.Link.Name+"-"+a.Prefix.Addr().String())
	return live, all && !a.Local
}

func placeOf(a link.Address) Place { return Place{Interface: a.Link.Name, Address: a.Prefix} }

func stateOf(a link.Address) State {
	return State{
		Config: Config{Interface: a.Link.Name, Address: a.Prefix.String(), Down: !a.Link.Up},
		Status: Status{Tentative: a.Tentative, Dynamic: a.Dynamic, NoCarrier: a.Link.Up && !a.Link.Lower},
	}
}

package bridge

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"plumbline/actuators"
	"plumbline/actuators/internal/link"
	"plumbline/schema"
)

func observe(ctx context.Context, h actuators.Host, sc actuators.Scope) ([]actuators.Live[State], error) {
	wanted, err := specs(sc)
	if err != nil {
		return nil, err
	}
	if !sc.All {
		return only(ctx, wanted)
	}
	lives, err := among(ctx, wanted, true)
	if err == nil && sc.Discover {
		err = tellNetworks(ctx, h, lives)
	}
	return lives, err
}

// among looks at all interfaces.
func among(ctx context.Context, wanted map[schema.ID]*Spec, all bool) ([]actuators.Live[State], error) {
	links, err := link.List(ctx)
	if err != nil {
		return nil, err
	}
	var lives []actuators.Live[State]
	for _, one := range links {
		live, ok := identify(one, wanted)
		if !ok || !all && wanted[live.ID] == nil {
			continue
		}
		live.State = stateOf(one, links, wanted[live.ID])
		lives = append(lives, live)
	}
	return lives, nil
}

// only looks at the wanted bridges by their names, and at their ports. One that does not stand under its name may have been
// renamed by hand: the mark tells, wherever it is.
func only(ctx context.Context, wanted map[schema.ID]*Spec) ([]actuators.Live[State], error) {
	var lives []actuators.Live[State]
	for id, s := range wanted {
		one, found, err := link.One(ctx, s.Resolved.Interface)
		if err != nil {
			return nil, err
		}
		if mark := markOf(one); !found || mark == nil || mark.ID != id {
			return among(ctx, wanted, false)
		}
		ports, err := link.PortsOf(ctx, one)
		if err != nil {
			return nil, err
		}
		lives = append(lives, actuators.Live[State]{ID: id, Mark: markOf(one), State: stateOf(one, ports, s)})
	}
	slices.SortFunc(lives, func(a, b actuators.Live[State]) int {
		return cmp.Compare(a.State.Config.Interface, b.State.Config.Interface)
	})
	return lives, nil
}

func specs(sc actuators.Scope) (map[schema.ID]*Spec, error) {
	wanted := map[schema.ID]*Spec{}
	for _, target := range sc.Targets {
		var s Spec
		if err := json.Unmarshal(target.Spec, &s); err != nil {
			return nil, fmt.Errorf("internal error: cannot read the spec of %s: %w", target.ID, err)
		}
		wanted[target.ID] = &s
	}
	return wanted, nil
}

// identify tells whose an interface is. One without a mark belongs to the object that wants its name, bridge or not, so
// that it is seen to be taken.
func identify(one link.Link, wanted map[schema.ID]*Spec) (live actuators.Live[State], ok bool) {
	if mark := markOf(one); mark != nil {
		return actuators.Live[State]{ID: mark.ID, Mark: mark}, true
	}
	live.ID = schema.MakeID("bridge", one.Name)
	ok = one.Kind == "bridge"
	for id, s := range wanted {
		if s.Resolved.Interface == one.Name {
			live.ID, ok = id, true
		}
	}
	return live, ok
}

func markOf(one link.Link) *actuators.Mark {
	mark := actuators.ParseMark(one.Alias)
	if one.Kind != "bridge" || mark == nil || mark.ID.Kind() != "bridge" {
		return nil
	}
	return mark
}

// stateOf tells ports apart from those that guests bring along: a tap device is a guest's unless it is declared. The MTU
// that nobody declared follows the ports and is no configuration.
func stateOf(one link.Link, links link.Links, want *Spec) State {
	if want == nil {
		want = &Spec{}
	}
	s := State{Config: Config{Interface: one.Name}, Status: Status{MTU: one.MTU}}
	if want.MTU != 0 {
		s.Config.MTU = one.MTU
	}
	if one.Kind != "bridge" {
		s.Status.Kind = one.Kind
	}
	if !one.Up {
		s.Config.Down = append(s.Config.Down, one.Name)
	}
	for _, port := range links.Ports(one) {
		if port.Kind == "tun" && !slices.Contains(want.Ports, port.Name) {
			s.Status.Guests = append(s.Status.Guests, port.Name)
			continue
		}
		s.Config.Ports = append(s.Config.Ports, port.Name)
		if !port.Up {
			s.Config.Down = append(s.Config.Down, port.Name)
		}
	}
	slices.Sort(s.Config.Down)
	return s
}

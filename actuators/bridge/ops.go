package bridge

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"plumbline/actuators"
	"plumbline/actuators/internal/link"
)

// confirm is how long a change may wait for its confirmation: each may cut the way by which it came.
const confirm = 60 * time.Second

// params serve every op of the kind: what the bridge shall be.
type params struct {
	Mark      actuators.Mark `json:"mark"`
	Interface string         `json:"interface"`
	Ports     []string       `json:"ports,omitempty"`
	MTU       int            `json:"mtu,omitempty"`
}

// before is what an op found.
type before struct {
	Config Config          `json:"config"`
	There  bool            `json:"there,omitempty"` // the bridge, and ours
	Alias  string          `json:"alias,omitempty"`
	Ports  map[string]port `json:"ports,omitempty"` // those that are in it and those that shall be
}

// port is where an interface was.
type port struct {
	Plugged bool `json:"plugged,omitempty"` // in this bridge
	Up      bool `json:"up,omitempty"`
}

var create = actuators.Op[params, before, State]{
	Name: "create", Reversal: actuators.Exact, Confirm: confirm,
	Preflight: func(ctx context.Context, _ actuators.Host, p params) error {
		_, err := capture(ctx, p)
		return err
	},
	Capture: func(ctx context.Context, _ actuators.Host, p params) (before, error) { return capture(ctx, p) },
	Do:      func(ctx context.Context, _ actuators.Host, p params, _ before) error { return build(ctx, p) },
	Undo: func(ctx context.Context, _ actuators.Host, p params, b before) error {
		if b.There {
			return nil
		}
		return dismantle(ctx, p, b, true)
	},
	Predict: func(p params, _ *State) *State {
		return &State{Config: Config{Interface: p.Interface, Ports: p.Ports, MTU: p.MTU}}
	},
}

var remove = actuators.Op[params, before, State]{
	Name: "remove", Reversal: actuators.Exact, Confirm: confirm,
	Preflight: func(ctx context.Context, _ actuators.Host, p params) error { return free(ctx, p, actuators.ErrRefused) },
	Capture:   func(ctx context.Context, _ actuators.Host, p params) (before, error) { return capture(ctx, p) },
	Do: func(ctx context.Context, _ actuators.Host, p params, b before) error {
		return dismantle(ctx, p, b, false)
	},
	Undo: func(ctx context.Context, _ actuators.Host, p params, b before) error {
		if !b.There {
			return nil
		}
		p.Ports, p.MTU = b.Config.Ports, b.Config.MTU
		if err := build(ctx, p); err != nil {
			return err
		}
		return switchOff(ctx, b.Config.Down)
	},
	Predict: func(params, *State) *State { return nil },
}

// look reads the interfaces and finds the bridge. A thing of its name that is not ours is an error.
func look(ctx context.Context, p params) (links link.Links, bridge link.Link, there bool, err error) {
	if links, err = link.List(ctx); err != nil {
		return nil, bridge, false, err
	}
	bridge, there = links.Name(p.Interface)
	if there && !ours(bridge, p.Mark) {
		return nil, bridge, there, actuators.Foreign("interface " + p.Interface)
	}
	return links, bridge, there, nil
}

func ours(one link.Link, mark actuators.Mark) bool {
	found := markOf(one)
	return found != nil && found.Installation == mark.Installation && found.ID == mark.ID
}

func capture(ctx context.Context, p params) (before, error) {
	links, bridge, there, err := look(ctx, p)
	if err != nil {
		return before{}, err
	}
	b := before{There: there, Alias: bridge.Alias, Ports: map[string]port{}}
	names := slices.Clone(p.Ports)
	if there {
		b.Config = stateOf(bridge, links, &Spec{Ports: p.Ports, MTU: p.MTU}).Config
		b.Config.MTU = bridge.MTU
		names = append(names, b.Config.Ports...)
	}
	for _, name := range names {
		one, found := links.Name(name)
		switch {
		case !found:
			return b, fmt.Errorf("%w: there is no interface %s to plug into %s", actuators.ErrNotFound, name, p.Interface)
		case one.Master != 0 && (!there || one.Master != bridge.Index):
			owner, _ := links.Index(one.Master)
			return b, fmt.Errorf("%w: interface %s is plugged into %s; take it out there, or name another one", actuators.ErrForeign, name, owner.Name)
		}
		b.Ports[name] = port{Plugged: one.Master != 0, Up: one.Up}
	}
	return b, nil
}

// build makes the bridge as far as it is missing, and plugs its ports in.
func build(ctx context.Context, p params) error {
	_, _, there, err := look(ctx, p)
	if err != nil {
		return err
	}
	if !there {
		if err := link.AddBridge(ctx, p.Interface, p.Mark.String(), scaffold(p.Mark)); err != nil {
			return err
		}
	}
	links, bridge, there, err := look(ctx, p)
	if err != nil || !there {
		return fmt.Errorf("cannot find the bridge %s that was just made: %w", p.Interface, orTransient(err))
	}
	for _, name := range p.Ports {
		if err := plug(ctx, links, bridge, name, true); err != nil {
			return err
		}
	}
	if p.MTU != 0 {
		if err := changeMTU(ctx, p, func(int) (int, error) { return p.MTU, nil }); err != nil {
			return err
		}
	}
	return link.SetUp(ctx, bridge, true)
}

func orTransient(err error) error {
	if err == nil {
		return actuators.ErrTransient
	}
	return err
}

// scaffold is the name under which a bridge is made, until it carries its mark.
func scaffold(mark actuators.Mark) string {
	sum := sha256.Sum256([]byte(mark.Installation + "\x00" + string(mark.ID)))
	return "plumb-" + hex.EncodeToString(sum[:4])
}

// dismantle takes the bridge away, and its ports out of it first. Ports that were off before are switched off again when
// asked.
func dismantle(ctx context.Context, p params, b before, off bool) error {
	links, bridge, there, err := look(ctx, p)
	if off && errors.Is(err, actuators.ErrForeign) {
		return actuators.Stuck("interface "+p.Interface, "another one", "absent")
	}
	if err != nil {
		return err
	}
	if half, found := links.Name(scaffold(p.Mark)); found {
		if err := link.Delete(ctx, half); err != nil {
			return err
		}
	}
	if !there {
		return nil
	}
	cause := actuators.ErrRefused
	if off {
		cause = actuators.ErrStuck
	}
	if err := free(ctx, p, cause); err != nil {
		return err
	}
	for _, one := range links.Ports(bridge) {
		if err := unplug(ctx, one, off && !b.Ports[one.Name].Up); err != nil {
			return err
		}
	}
	return link.Delete(ctx, bridge)
}

// free tells whether nobody but its own ports uses the bridge.
func free(ctx context.Context, p params, cause error) error {
	links, bridge, there, err := look(ctx, p)
	if err != nil || !there {
		return err
	}
	for _, one := range links.Ports(bridge) {
		if !slices.Contains(p.Ports, one.Name) {
			return fmt.Errorf("%w: %s is plugged into %s, and would be cut off", cause, one.Name, p.Interface)
		}
	}
	addresses, err := link.Addresses(ctx, links)
	if err != nil {
		return err
	}
	for _, a := range addresses {
		if a.Link.Index == bridge.Index && !a.Local {
			return fmt.Errorf("%w: %s has the address %s, which would be lost", cause, p.Interface, a.Prefix)
		}
	}
	return nil
}

func switchOff(ctx context.Context, names []string) error {
	links, err := link.List(ctx)
	if err != nil {
		return err
	}
	for _, name := range names {
		if one, found := links.Name(name); found && one.Up {
			if err := link.SetUp(ctx, one, false); err != nil {
				return err
			}
		}
	}
	return nil
}

package bridge

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"plumbline/actuators"
	"plumbline/actuators/internal/link"
)

var setPorts = actuators.Op[params, before, State]{
	Name: "set-ports", Reversal: actuators.Exact, Confirm: confirm,
	Preflight: func(ctx context.Context, _ actuators.Host, p params) error {
		_, err := capture(ctx, p)
		return err
	},
	Capture: func(ctx context.Context, _ actuators.Host, p params) (before, error) { return capture(ctx, p) },
	Do: func(ctx context.Context, _ actuators.Host, p params, b before) error {
		return arrange(ctx, p, b, func(name string) bool { return slices.Contains(p.Ports, name) }, false)
	},
	Undo: func(ctx context.Context, _ actuators.Host, p params, b before) error {
		return arrange(ctx, p, b, func(name string) bool { return b.Ports[name].Plugged }, true)
	},
	Predict: func(p params, have *State) *State {
		after := predicted(have)
		after.Config.Ports = p.Ports
		after.Config.Down = slices.DeleteFunc(slices.Clone(after.Config.Down), func(name string) bool {
			return name != p.Interface && !slices.Contains(p.Ports, name)
		})
		return after
	},
}

// arrange plugs in and takes out, port by port, only those that the step knows; one that stays is not touched. What the
// step plugs in it switches on, and its undo off again if it was off.
func arrange(ctx context.Context, p params, b before, in func(name string) bool, undo bool) error {
	links, bridge, there, err := look(ctx, p)
	if err != nil {
		return err
	}
	switch {
	case !there && undo: // a reboot took it along
		return actuators.Gone("bridge " + p.Interface)
	case !there:
		return fmt.Errorf("%w: there is no bridge %s", actuators.ErrNotFound, p.Interface)
	}
	for _, name := range slices.Sorted(maps.Keys(b.Ports)) {
		one, found := links.Name(name)
		switch {
		case !found && undo:
			return actuators.Stuck("interface "+name, "gone", "there")
		case !found:
			return fmt.Errorf("%w: there is no interface %s", actuators.ErrNotFound, name)
		case in(name) && b.Ports[name].Plugged && one.Master == bridge.Index: // it stays
		case in(name):
			err = plug(ctx, links, bridge, name, !undo)
		case one.Master == bridge.Index:
			err = unplug(ctx, one, undo && !b.Ports[name].Up)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// plug puts an interface into the bridge, and switches it on if asked. One that is in another is left there.
func plug(ctx context.Context, links link.Links, bridge link.Link, name string, on bool) error {
	one, found := links.Name(name)
	switch {
	case !found:
		return fmt.Errorf("%w: there is no interface %s to plug into %s", actuators.ErrNotFound, name, bridge.Name)
	case one.Master != 0 && one.Master != bridge.Index:
		owner, _ := links.Index(one.Master)
		return fmt.Errorf("%w: interface %s is plugged into %s", actuators.ErrForeign, name, owner.Name)
	case one.Master == 0:
		if err := link.SetMaster(ctx, one, bridge.Index); err != nil {
			return err
		}
	}
	if one.Up || !on {
		return nil
	}
	return link.SetUp(ctx, one, true)
}

func unplug(ctx context.Context, one link.Link, off bool) error {
	if err := link.SetMaster(ctx, one, 0); err != nil || !off {
		return err
	}
	return link.SetUp(ctx, one, false)
}

var setMTU = actuators.Op[params, before, State]{
	Name: "set-mtu", Reversal: actuators.Exact, Confirm: confirm,
	Capture: func(ctx context.Context, _ actuators.Host, p params) (before, error) { return capture(ctx, p) },
	Do: func(ctx context.Context, _ actuators.Host, p params, _ before) error {
		return changeMTU(ctx, p, func(int) (int, error) { return p.MTU, nil })
	},
	Undo: func(ctx context.Context, _ actuators.Host, p params, b before) error {
		err := changeMTU(ctx, p, func(live int) (int, error) {
			if live != p.MTU && live != b.Config.MTU {
				return 0, actuators.Stuck("the MTU of "+p.Interface, live, b.Config.MTU)
			}
			return b.Config.MTU, nil
		})
		if errors.Is(err, actuators.ErrNotFound) {
			return actuators.Gone("bridge " + p.Interface)
		}
		return err
	},
	Predict: func(p params, have *State) *State {
		after := predicted(have)
		after.Config.MTU = p.MTU
		return after
	},
}

func changeMTU(ctx context.Context, p params, choose func(live int) (int, error)) error {
	_, bridge, there, err := look(ctx, p)
	if err != nil {
		return err
	}
	if !there {
		return fmt.Errorf("%w: there is no bridge %s", actuators.ErrNotFound, p.Interface)
	}
	mtu, err := choose(bridge.MTU)
	if err != nil || mtu == bridge.MTU {
		return err
	}
	return link.SetMTU(ctx, bridge, mtu)
}

// up switches on the bridge and those of its ports that are declared.
var up = actuators.Op[params, before, State]{
	Name: "up", Reversal: actuators.Exact, Confirm: confirm,
	Capture: func(ctx context.Context, _ actuators.Host, p params) (before, error) { return capture(ctx, p) },
	Do: func(ctx context.Context, _ actuators.Host, p params, _ before) error {
		links, _, _, err := look(ctx, p)
		if err != nil {
			return err
		}
		for _, name := range append([]string{p.Interface}, p.Ports...) {
			if one, found := links.Name(name); found && !one.Up {
				if err := link.SetUp(ctx, one, true); err != nil {
					return err
				}
			}
		}
		return nil
	},
	Undo: func(ctx context.Context, _ actuators.Host, p params, b before) error {
		switch _, _, there, err := look(ctx, p); {
		case err != nil:
			return err
		case !there:
			return actuators.Gone("bridge " + p.Interface)
		}
		return switchOff(ctx, b.Config.Down)
	},
	Predict: func(_ params, have *State) *State {
		after := predicted(have)
		after.Config.Down = nil
		return after
	},
}

// adopt writes the mark, and nothing else.
var adopt = actuators.Op[params, before, State]{
	Name: "adopt", Reversal: actuators.Exact,
	Capture: func(ctx context.Context, _ actuators.Host, p params) (before, error) {
		one, err := unmarked(ctx, p)
		return before{Alias: one.Alias}, err
	},
	Do: func(ctx context.Context, _ actuators.Host, p params, _ before) error {
		one, err := unmarked(ctx, p)
		if err != nil {
			return err
		}
		return link.SetAlias(ctx, one, p.Mark.String())
	},
	Undo: func(ctx context.Context, _ actuators.Host, p params, b before) error {
		one, err := unmarked(ctx, p)
		switch {
		case err != nil:
			return err
		case ours(one, p.Mark):
			return link.SetAlias(ctx, one, b.Alias)
		case one.Alias != b.Alias:
			return actuators.Stuck("the alias of "+p.Interface, one.Alias, b.Alias)
		}
		return nil
	},
	Predict: func(_ params, have *State) *State { return have },
}

// unmarked finds a bridge that is nobody else's.
func unmarked(ctx context.Context, p params) (link.Link, error) {
	links, err := link.List(ctx)
	if err != nil {
		return link.Link{}, err
	}
	one, found := links.Name(p.Interface)
	switch {
	case !found:
		return one, fmt.Errorf("%w: there is no bridge %s", actuators.ErrNotFound, p.Interface)
	case one.Kind != "bridge":
		return one, fmt.Errorf("%w: %s is no bridge", actuators.ErrRefused, p.Interface)
	case actuators.ParseMark(one.Alias) != nil && !ours(one, p.Mark):
		return one, actuators.Foreign("bridge " + p.Interface)
	}
	return one, nil
}

func predicted(have *State) *State {
	if have == nil {
		return &State{}
	}
	after := *have
	return &after
}

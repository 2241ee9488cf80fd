package nft

import (
	"context"
	"errors"
	"slices"
	"strings"

	"plumbline/actuators"
)

// Unblock turns switches of forwarding on for an object. It is the params of ops.
type Unblock struct {
	Mark     actuators.Mark `json:"mark"`
	Switches []string       `json:"switches"` // as Owned.Halted tells them
}

// Blocked is how the switches stood before.
type Blocked struct {
	All bool     `json:"all,omitempty"` // the one for all
	On  []string `json:"on,omitempty"`  // interfaces that forwarded, "default" for new ones
}

// UnblockStep is the step of the op that UnblockOp makes.
func UnblockStep(mark actuators.Mark, halted []string) actuators.Step {
	var names []string
	for _, s := range halted {
		names = append(names, strings.TrimSuffix(s, isOff))
	}
	return actuators.NewStep("forward", Unblock{Mark: mark, Switches: halted}, "turn "+strings.Join(names, ", ")+" on again; /etc/sysctl.d decides at boot")
}

// UnblockOp is the op "forward" of a kind, whose states let says to be free of halted switches.
func UnblockOp[L any](let func(now *L)) actuators.Op[Unblock, Blocked, L] {
	return actuators.Op[Unblock, Blocked, L]{
		Name:     "forward",
		Version:  1,
		Reversal: actuators.Exact,
		Capture:  func(ctx context.Context, _ actuators.Host, u Unblock) (Blocked, error) { return u.Capture(ctx) },
		Do:       func(ctx context.Context, _ actuators.Host, u Unblock, _ Blocked) error { return u.Do(ctx) },
		Undo: func(ctx context.Context, _ actuators.Host, u Unblock, before Blocked) error {
			return u.Undo(ctx, before)
		},
		Predict: func(_ Unblock, have *L) *L {
			if have == nil {
				return nil
			}
			after := *have
			let(&after)
			return &after
		},
	}
}

// Capture reads how the switches stand.
func (u Unblock) Capture(ctx context.Context) (Blocked, error) {
	if err := ctx.Err(); err != nil {
		return Blocked{}, err
	}
	now, err := readForwarding()
	return Blocked{now.all, now.names()}, err
}

// Do turns on what is off.
func (u Unblock) Do(ctx context.Context) error {
	for _, s := range u.Switches {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := turn(strings.TrimSuffix(s, isOff), true); err != nil {
			return err
		}
	}
	return nil
}

// Undo turns off again what was off. It is stuck when other objects of this host live from forwarding by now.
func (u Unblock) Undo(ctx context.Context, before Blocked) error {
	now, err := readForwarding()
	if err != nil {
		return err
	}
	var mine []string // what Do turned on
	on := now.names()
	for _, s := range u.Switches {
		s = strings.TrimSuffix(s, isOff)
		name := strings.TrimSuffix(strings.TrimPrefix(s, switchesOf), switchName)
		if s == switchAll && !before.All && now.all || s != switchAll && !slices.Contains(before.On, name) && slices.Contains(on, name) {
			mine = append(mine, s)
		}
	}
	if len(mine) == 0 {
		return nil
	}
	if other, err := othersThan(ctx, u.Mark); err != nil || other != "" {
		return errors.Join(err, actuators.Stuck(strings.Join(mine, ", "), "1, which "+other+" lives from", "0"))
	}
	for _, s := range mine {
		if err := turn(s, false); err != nil {
			return err
		}
		for _, name := range before.On {
			if s == switchAll {
				err = errors.Join(err, turn(switchOf(name), true))
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// othersThan names one owner of the table of services that is not the mark's object; "" when there is none.
func othersThan(ctx context.Context, mark actuators.Mark) (other string, err error) {
	err = kept.view(ctx, func(s *Services) {
		for _, one := range s.elements {
			if !one.of(mark) {
				other = string(one.owner().id)
				if other == "" {
					other = one.place().String()
				}
				return
			}
		}
	})
	return other, err
}

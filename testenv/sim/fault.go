package sim

import (
	"context"
	"fmt"
	"slices"

	"plumbline/actuators"
	"plumbline/reconcile/exec"
	"plumbline/schema"
)

// Fault makes verbs go wrong. Empty fields fit all; Verb "" means do.
type Fault struct {
	ID    schema.ID `json:"id,omitempty"`
	Kind  string    `json:"kind,omitempty"`
	Op    string    `json:"op,omitempty"`
	Verb  string    `json:"verb,omitempty"` // observe, preflight, capture, do, undo
	How   How       `json:"how"`
	Times int       `json:"times,omitempty"` // how often; 0 = once, below zero = always
}

// How a verb goes wrong.
type How string

// The ways. The zero value is none.
const (
	Refuse    How = "refuse"    // nothing is done, and it says so
	Stumble   How = "stumble"   // nothing is done; trying again may help
	LoseCall  How = "loseCall"  // nothing is done, and nobody knows
	LoseReply How = "loseReply" // it is done, and nobody knows
	Hang      How = "hang"      // nothing is done until the caller gives up
	Stick     How = "stick"     // somebody else changed it: for undo
	Unseen    How = "unknown"   // this one thing cannot be seen, all others can: for observe
)

// Fail adds a fault to a host.
func (w *World) Fail(host string, f Fault) error {
	return w.on(host, func(v *visit) error {
		v.state().Faults = append(v.host.cond.Faults, f)
		return nil
	})
}

// Mend takes all faults from a host.
func (w *World) Mend(host string) error {
	return w.on(host, func(v *visit) error {
		v.state().Faults = nil
		return nil
	})
}

func (f Fault) fits(verb string, call exec.Call) bool {
	if f.Verb == "" {
		f.Verb = "do"
	}
	return f.Verb == verb && (f.ID == "" || f.ID == call.Instance.ID) && (f.Kind == "" || f.Kind == call.Kind) && (f.Op == "" || f.Op == call.Op)
}

// enter passes a verb's time, fails when the host is dead, and lets a fault have its way. after is what the verb shall say
// when it is through.
func (c *conn) enter(ctx context.Context, verb string, call exec.Call) (after, err error) {
	if err := c.reach(ctx); err != nil {
		return nil, err
	}
	how, err := c.fault(verb, call)
	if err != nil {
		return nil, err
	}
	name := verb + " " + call.Op
	switch how {
	case Refuse:
		return nil, fmt.Errorf("%w: the model was told to refuse %s", actuators.ErrRefused, name)
	case Stumble:
		return nil, fmt.Errorf("%w: the model was told to stumble over %s", actuators.ErrTransient, name)
	case LoseCall:
		return nil, fmt.Errorf("%w: the model lost the call of %s", exec.ErrUnknown, name)
	case LoseReply:
		return fmt.Errorf("%w: the model lost the reply of %s", exec.ErrUnknown, name), nil
	case Stick:
		return nil, actuators.Stuck(string(call.Instance.ID), "another's", "ours")
	case Hang:
		<-ctx.Done()
		return nil, fmt.Errorf("%w: %w", exec.ErrUnknown, ctx.Err())
	}
	return nil, nil
}

// use counts a fault down.
func (v *visit) use(i int) {
	switch faults := v.state().Faults; {
	case faults[i].Times > 1:
		faults[i].Times--
	case faults[i].Times >= 0:
		v.state().Faults = slices.Delete(faults, i, i+1)
	}
}

// veil hides what faults say cannot be seen.
func (v *visit) veil(kind string, ids map[schema.ID]bool) map[schema.ID]bool {
	hidden := map[schema.ID]bool{}
	for i := len(v.host.cond.Faults) - 1; i >= 0; i-- {
		f, used := v.host.cond.Faults[i], false
		if f.How != Unseen {
			continue
		}
		for id := range ids {
			if f.fits("observe", exec.Call{Kind: kind, Instance: id.On(v.host.name)}) {
				hidden[id], used = true, true
			}
		}
		if used {
			v.use(i)
		}
	}
	return hidden
}

// fault takes the first fault that fits, or one by chance.
func (c *conn) fault(verb string, call exec.Call) (how How, err error) {
	err = c.world.on(c.name, func(v *visit) error {
		for i, f := range v.host.cond.Faults {
			if f.How != Unseen && f.fits(verb, call) {
				how = f.How
				v.use(i)
				return nil
			}
		}
		return nil
	})
	if err != nil || how != "" || verb != "do" || c.world.opts.Chaos <= 0 {
		return how, err
	}
	if c.world.chance()*100 < c.world.opts.Chaos {
		how = []How{Stumble, LoseReply}[int(c.world.chance()*2)] // a lost call is waited for as long as the op may take
	}
	return how, nil
}

package record

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"plumbline/actuators"
	"plumbline/actuators/internal/dns"
)

// params serve every op of the kind. The key stands in it by the name of its secret.
type params struct {
	Mark   actuators.Mark `json:"mark"`
	Server dns.Server     `json:"server"`
	Name   string         `json:"name"`
	After  []dns.RRset    `json:"after"`           // each set that is touched, the mark's too; without data it goes
	Stays  []dns.RRset    `json:"stays,omitempty"` // what a removal leaves, because it is not ours
}

// opTimeout leaves time for an update and, when its prerequisites fail, for a look.
const opTimeout = 45 * time.Second

// captured is what was there of the sets that are touched.
type captured struct {
	Sets []dns.RRset `json:"sets"`
}

var set = op("set", func(p params, have *State) *State {
	after := &State{Config: config(p.data())}
	if have != nil {
		after.Status = have.Status
	}
	return after
})

// After a removal the name is gone, or what is left of it is somebody else's.
var remove = op("remove", func(p params, _ *State) *State {
	if len(p.Stays) == 0 {
		return nil
	}
	return &State{Config: config(p.Stays)}
})

var adopt = op("adopt", func(_ params, have *State) *State { return have })

// op is the one way to change a zone; what it touches stands in its params.
func op(name string, predict func(params, *State) *State) actuators.Op[params, captured, State] {
	return actuators.Op[params, captured, State]{
		Name: name, Reversal: actuators.Exact, Timeout: opTimeout,
		Capture: func(ctx context.Context, h actuators.Host, p params) (captured, error) {
			return capture(ctx, h, p, name == "adopt")
		},
		Do: do, Undo: undo, Predict: predict,
	}
}

// data are the touched sets but for the mark's.
func (p params) data() []dns.RRset {
	var out []dns.RRset
	for _, set := range p.After {
		if set.Name == p.Name {
			out = append(out, set)
		}
	}
	return out
}

func capture(ctx context.Context, h actuators.Host, p params, adopting bool) (captured, error) {
	zone, err := p.Server.Transfer(ctx, h)
	if err != nil {
		return captured{}, err
	}
	mark, ours := readMark(zone, p.Name)
	if mark != nil && (mark.Installation != p.Mark.Installation || mark.ID != p.Mark.ID) {
		return captured{}, actuators.Foreign(p.Name)
	}
	if mark == nil && len(zone.Set(markLabel+p.Name, "TXT").Data) > 0 {
		return captured{}, actuators.Foreign("TXT record " + markLabel + p.Name)
	}
	for _, set := range p.data() {
		if there := len(zone.Set(p.Name, set.Type).Data) > 0; there && !adopting && !slices.Contains(ours, set.Type) {
			return captured{}, actuators.Foreign(set.Type + " records of " + p.Name)
		}
	}
	return captured{p.live(zone)}, nil
}

// live is what a zone holds of the touched sets.
func (p params) live(zone *dns.Zone) []dns.RRset {
	var sets []dns.RRset
	for _, set := range p.After {
		sets = append(sets, zone.Set(set.Name, set.Type))
	}
	return sets
}

// do writes, if the zone is as it was captured. Otherwise it looks: its own work, done before, is no error.
func do(ctx context.Context, h actuators.Host, p params, before captured) error {
	err := p.Server.Update(ctx, h, dns.Change{Before: before.Sets, After: p.After})
	if !errors.Is(err, dns.ErrChanged) {
		return about(p, err)
	}
	zone, look := p.Server.Transfer(ctx, h)
	if look != nil {
		return about(p, errors.Join(err, look))
	}
	if same(p.live(zone), p.After) {
		return nil
	}
	return about(p, err)
}

// undo puts back what was captured, if the zone is as do left it. Whatever the server says to that, a zone that is as it
// was captured needs no undo: the key that may not write now may not have written before.
func undo(ctx context.Context, h actuators.Host, p params, before captured) error {
	return undoOnce(ctx, h, p, before, lateTries)
}

// lateTries is how often an undo begins again because the update of a Do that was cut off came only after the undo's own.
const lateTries = 3

func undoOnce(ctx context.Context, h actuators.Host, p params, before captured, tries int) error {
	err := p.Server.Update(ctx, h, dns.Change{Before: p.After, After: before.Sets})
	if err == nil {
		return nil
	}
	zone, look := p.Server.Transfer(ctx, h)
	if look != nil {
		return about(p, errors.Join(err, look))
	}
	live := p.live(zone)
	switch {
	case same(live, before.Sets):
		return nil
	case errors.Is(err, dns.ErrChanged) && same(live, p.After) && tries > 1:
		return undoOnce(ctx, h, p, before, tries-1)
	case errors.Is(err, dns.ErrChanged):
		return about(p, actuators.Stuck(p.Name, summary(live), summary(before.Sets)))
	}
	return about(p, err)
}

func same(a, b []dns.RRset) bool {
	return len(a) == len(b) && reflect.DeepEqual(normal(a), normal(b))
}

// normal drops what does not count: the TTL of a set without data, and nil against empty.
func normal(sets []dns.RRset) []dns.RRset {
	out := make([]dns.RRset, len(sets))
	for i, set := range sets {
		out[i] = dns.RRset{Name: set.Name, Type: set.Type}
		if len(set.Data) > 0 {
			out[i] = dns.RRset{Name: set.Name, Type: set.Type, TTL: set.TTL, Data: unique(set.Data)}
		}
	}
	return out
}

func about(p params, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("cannot update %s: %w", p.Name, err)
}

package record

import (
	"context"
	"errors"
	"fmt"
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

// manyRecords is how many go into one call: one transfer before, a message for each hundred or two, one transfer after.
const manyRecords = 10000

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
		Name: name, Reversal: actuators.Exact, Timeout: opTimeout, Predict: predict,
		Many: &actuators.Many[params, captured]{
			Limit: manyRecords,
			Capture: func(ctx context.Context, h actuators.Host, all []params) ([]captured, []error) {
				return capture(ctx, h, all, name == "adopt")
			},
			Do: do, Undo: undo,
		},
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

// capture reads each zone once.
func capture(ctx context.Context, h actuators.Host, all []params, adopting bool) ([]captured, []error) {
	before, errs := make([]captured, len(all)), make([]error, len(all))
	for server, at := range byServer(all, func(p params) params { return p }) {
		zone, err := server.Transfer(ctx, h)
		for _, n := range at {
			if errs[n] = err; err == nil {
				before[n], errs[n] = all[n].captured(zone, adopting)
			}
		}
	}
	return before, errs
}

// byServer tells where the items of each server stand.
func byServer[T any](all []T, read func(T) params) map[dns.Server][]int {
	at := map[dns.Server][]int{}
	for n, one := range all {
		server := read(one).Server
		at[server] = append(at[server], n)
	}
	return at
}

// captured is what a zone holds of the touched sets, if all of them are ours or nobody's.
func (p params) captured(zone *dns.Zone, adopting bool) (captured, error) {
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
	return captured{zone.Like(p.After)}, nil
}

type item = actuators.Item[params, captured]

// do writes, where the zone is as it was captured. Its own work, done before, is no error.
func do(ctx context.Context, h actuators.Host, all []item) []error {
	return update(ctx, h, all, func(one item) dns.Change { return dns.Change{Before: one.Before.Sets, After: one.Params.After} })
}

func update(ctx context.Context, h actuators.Host, all []item, change func(item) dns.Change) []error {
	errs := make([]error, len(all))
	for server, at := range byServer(all, func(one item) params { return one.Params }) {
		changes := make([]dns.Change, len(at))
		for k, n := range at {
			changes[k] = change(all[n])
		}
		for k, err := range server.Update(ctx, h, changes) {
			errs[at[k]] = about(all[at[k]].Params, err)
		}
	}
	return errs
}

// undo puts back what was captured, where the zone is as do left it. Whatever the server says to that, what is as it was
// captured needs no undo: the key that may not write now may not have written before. An update of a Do that was cut off
// may come after the undo's own: then the undo goes again.
func undo(ctx context.Context, h actuators.Host, all []item) []error {
	errs := update(ctx, h, all, func(one item) dns.Change { return dns.Change{Before: one.Params.After, After: one.Before.Sets} })
	for server, at := range byServer(all, func(one item) params { return one.Params }) {
		at = slices.DeleteFunc(at, func(n int) bool { return errs[n] == nil })
		if len(at) == 0 {
			continue
		}
		zone, look := server.Transfer(ctx, h)
		for _, n := range at {
			p, before := all[n].Params, all[n].Before.Sets
			switch {
			case look != nil:
				errs[n] = errors.Join(errs[n], look)
			case dns.Same(zone.Like(p.After), before):
				errs[n] = nil
			case errors.Is(errs[n], dns.ErrChanged):
				errs[n] = about(p, actuators.Stuck(p.Name, summary(zone.Like(p.After)), summary(before)))
			}
		}
	}
	return errs
}

func about(p params, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("cannot update %s: %w", p.Name, err)
}

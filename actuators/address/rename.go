package address

import (
	"context"
	"fmt"

	"plumbline/actuators"
	"plumbline/schema"
)

// renaming gives the record of an address another name; the address is not touched.
type renaming struct {
	Mark actuators.Mark `json:"mark"`
	Was  actuators.Mark `json:"was"`
	Place
	Down bool `json:"down,omitempty"` // the interface is off, as it is
}

func renameSteps(sub actuators.Subject, was schema.ID, _ *Spec, have actuators.Have[State]) ([]actuators.Step, error) {
	c := have.Here.Config
	p := renaming{Mark: sub.Mark, Was: *have.Mark, Place: c.place(), Down: c.Down}
	return []actuators.Step{actuators.NewStep(actuators.OpRename, p, "note "+p.Place.String()+" as "+string(sub.Instance.ID)+", no more as "+string(was))}, nil
}

var rename = actuators.Op[renaming, before, State]{
	Name: actuators.OpRename, Reversal: actuators.Exact,
	Capture: func(_ context.Context, h actuators.Host, p renaming) (before, error) {
		r, err := readRecord(h, p.Was.ID)
		if err == nil && !r.ours(p.Was) {
			err = fmt.Errorf("cannot rename %s: its record: %w", p.Was.ID, actuators.ErrNotFound)
		}
		return before{Record: r}, err
	},
	Do: func(_ context.Context, h actuators.Host, p renaming, b before) error {
		return hand(h, p.Was, p.Mark, &record{p.Mark, b.Record.Place})
	},
	Undo: func(_ context.Context, h actuators.Host, p renaming, b before) error {
		return hand(h, p.Mark, p.Was, b.Record)
	},
	Predict: func(p renaming, have *State) *State {
		if have != nil {
			return have
		}
		return &State{Config: Config{Interface: p.Interface, Address: p.Address.String(), Down: p.Down}}
	},
}

// hand writes the record of one object before it removes that of another. An earlier hand that got that far is done.
func hand(h actuators.Host, from, to actuators.Mark, r *record) error {
	old, err := readRecord(h, from.ID)
	if err != nil || old == nil {
		return err
	}
	now, err := readRecord(h, to.ID)
	switch {
	case err != nil:
		return err
	case !old.ours(from):
		return actuators.Foreign("the record of " + string(from.ID))
	case now != nil && !now.ours(to):
		return actuators.Foreign("the record of " + string(to.ID))
	case old.Place != r.Place:
		return actuators.Stuck("the record of "+string(from.ID), old.Place.String(), r.Place.String())
	}
	if err := writeRecord(h, to.ID, r); err != nil {
		return err
	}
	return writeRecord(h, from.ID, nil)
}

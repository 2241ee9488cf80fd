package liar

import (
	"context"

	"plumbline/actuators"
	"plumbline/schema"
)

type nothing struct{}

type nowhere struct {
	Config nothing `json:"config"`
}

// toy is a kind of which all is done with no effect.
var toy = actuators.Def[nothing, nowhere]{
	Name: "toy", Where: schema.OnHost,
	Observe: func(context.Context, actuators.Host, actuators.Scope) ([]actuators.Live[nowhere], error) {
		return nil, nil
	},
	Diff: func(*nothing, actuators.Have[nowhere]) (d actuators.Diff) { return d },
	Steps: func(actuators.Subject, actuators.Diff, *nothing, actuators.Have[nowhere]) ([]actuators.Step, error) {
		return nil, nil
	},
	Ops: []actuators.AnyOp{actuators.Op[nothing, nothing, nowhere]{
		Name: "make", Reversal: actuators.Exact,
		Capture: func(context.Context, actuators.Host, nothing) (b nothing, err error) { return b, nil },
		Do:      func(context.Context, actuators.Host, nothing, nothing) error { return nil },
		Undo:    func(context.Context, actuators.Host, nothing, nothing) error { return nil },
		Predict: func(nothing, *nowhere) *nowhere { return &nowhere{} },
	}},
}

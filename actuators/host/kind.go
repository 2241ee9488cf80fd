// Package host is the kind of machines that objects live on. It is only looked at: what a machine holds is declared to
// notice when a disk, a memory module or a link is lost.
package host

import (
	"plumbline/actuators"
	"plumbline/schema"
)

// Kind is the kind host; README.md describes it.
var Kind = actuators.Define(actuators.Def[Spec, State]{
	Name:     "host",
	Where:    schema.OnItself,
	Ground:   true,
	Unmarked: true,
	Edges:    edges,
	Resolve:  resolve,
	Observe:  observe,
	Stamp:    actuators.StampOfLook(observe),
	Diff:     diff,
	Steps: func(actuators.Subject, actuators.Diff, *Spec, actuators.Have[State]) ([]actuators.Step, error) {
		return nil, nil // no operation mends hardware
	},
})

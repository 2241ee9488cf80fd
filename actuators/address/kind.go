// Package address is the kind of addresses on interfaces. See README.md.
package address

import (
	"plumbline/actuators"
	"plumbline/actuators/internal/link"
	"plumbline/schema"
)

// Kind is an address of a host on one of its interfaces.
var Kind = actuators.Define(actuators.Def[Spec, State]{
	Name:     "address",
	Where:    schema.OnHost,
	Edges:    edges,
	Resolve:  resolve,
	Provides: provides,
	Needs:    needs,
	Import:   &imports,
	Observe:  observe,
	Stamp:    actuators.StampOfLook(observe),
	Diff:     diff,
	Steps:    steps,
	Rename:   renameSteps,
	Ops:      []actuators.AnyOp{add, move, up, remove, adopt, rename},
	Watch:    link.Watch,
})

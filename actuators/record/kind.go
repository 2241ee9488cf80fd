// Package record is the kind of DNS names with their data.
package record

import (
	"plumbline/actuators"
	"plumbline/schema"
)

// Kind is the records of one DNS name.
var Kind = actuators.Define(actuators.Def[Spec, State]{
	Name:    "record",
	Where:   schema.OnHost,
	Home:    home,
	Edges:   edges,
	Resolve: resolve,
	Needs:   needs,
	Share:   share,
	Import:  &imports,
	Observe: observe,
	Stamp:   stamp,
	Diff:    diff,
	Steps:   steps,
	Rename:  renameSteps,
	Remarks: remarks,
	Ops:     []actuators.AnyOp{set, remove, adopt},
})

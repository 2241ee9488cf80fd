// Package volume is the kind of disks of guests.
package volume

import (
	"plumbline/actuators"
	"plumbline/schema"
)

// Kind is a volume: a disk file in a directory pool.
var Kind = actuators.Define(actuators.Def[Spec, State]{
	Name:      "volume",
	Where:     schema.OnHost,
	HoldsData: true,
	Home:      home,
	Edges:     edges,
	Resolve:   resolve,
	Provides:  provides,
	Import:    &imports,
	Observe:   observe,
	Stamp:     actuators.StampOfLook(observe),
	Diff:      diff,
	Steps:     steps,
	Rename:    renameSteps,
	Remarks:   remarks,
	Ops:       []actuators.AnyOp{create, grow, rename, retire, restore, purge, adopt},
})

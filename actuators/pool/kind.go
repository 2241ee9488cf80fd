// Package pool is the kind of directories that hold volumes.
package pool

import (
	"plumbline/actuators"
	"plumbline/schema"
)

// Kind is a directory pool. It holds data: one that vanished is never made anew by itself.
var Kind = actuators.Define(actuators.Def[Spec, State]{
	Name:      "pool",
	Where:     schema.OnHost,
	Ground:    true,
	HoldsData: true,
	Provides:  provides,
	Import:    &imports,
	Observe:   observe,
	Stamp:     actuators.StampOfLook(observe),
	Diff:      diff,
	Steps:     steps,
	Rename:    renameSteps,
	Ops:       []actuators.AnyOp{create, adopt, remove},
})

// Package bridge is the kind of Linux bridges. See README.md.
package bridge

import (
	"plumbline/actuators"
	"plumbline/actuators/internal/link"
	"plumbline/schema"
)

// Kind is a Linux bridge.
var Kind = actuators.Define(actuators.Def[Spec, State]{
	Name:     "bridge",
	Where:    schema.OnHost,
	Ground:   true,
	Resolve:  resolve,
	Provides: provides,
	Needs:    needs,
	Import:   &imports,
	Observe:  observe,
	Stamp:    actuators.StampOfLook(observe),
	Diff:     diff,
	Steps:    steps,
	Rename:   renameSteps,
	Ops:      []actuators.AnyOp{create, setPorts, setMTU, up, remove, adopt, rename},
	Watch:    link.Watch,
})

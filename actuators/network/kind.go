// Package network is the kind of networks that guests are plugged into. See README.md.
package network

import (
	"plumbline/actuators"
	"plumbline/schema"
)

// Kind is a libvirt network on a bridge.
var Kind = actuators.Define(actuators.Def[Spec, State]{
	Name:    "network",
	Where:   schema.OnHost,
	Ground:  true,
	Edges:   edges,
	Resolve: resolve,
	Ranges:  ranges,
	Import:  &imports,
	Observe: observe,
	Stamp:   actuators.StampOfLook(observe),
	Diff:    diff,
	Steps:   steps,
	Rename:  renameSteps,
	Ops:     []actuators.AnyOp{create, redefine, start, remove, adopt},
})

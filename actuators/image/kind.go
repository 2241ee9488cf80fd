// Package image is the kind of files that volumes are made from.
package image

import (
	"plumbline/actuators"
	"plumbline/schema"
)

// Kind is an image, fetched by checksum.
var Kind = actuators.Define(actuators.Def[Spec, State]{
	Name:    "image",
	Where:   schema.OnHost,
	Ground:  true,
	Observe: observe,
	Stamp:   actuators.StampOfLook(observe),
	Diff:    diff,
	Steps:   steps,
	Rename:  renameSteps,
	Remarks: remarks,
	Ops:     []actuators.AnyOp{fetch, rename, retire, restore, purge, adopt},
})

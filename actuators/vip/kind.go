// Package vip is the kind of addresses that move between hosts by VRRP. See README.md.
package vip

import (
	"plumbline/actuators"
	"plumbline/actuators/internal/link"
	"plumbline/schema"
)

// Kind is an address that keepalived moves between hosts.
var Kind = actuators.Define(actuators.Def[Spec, State]{
	Name:     "vip",
	Where:    schema.OnHost,
	Edges:    edges,
	Resolve:  resolve,
	Provides: provides,
	Needs:    needs,
	Share:    share,
	Import:   &imports,
	Observe:  observe,
	Diff:     diff,
	Steps:    steps,
	Rename:   renameSteps,
	Ops:      []actuators.AnyOp{create, update, run, remove, adopt, rename},
	Watch:    link.Watch,
	Stamp:    actuators.StampOfLook(configs), // and not who holds the address, which the segment is asked for
})

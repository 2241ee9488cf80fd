// Package vm is the kind of virtual machines: libvirt domains.
package vm

import (
	"plumbline/actuators"
	"plumbline/schema"
)

// Kind is the kind vm; README.md describes it.
var Kind = actuators.Define(actuators.Def[Spec, State]{
	Name:     "vm",
	Where:    schema.OnHost,
	Edges:    edges,
	Resolve:  resolve,
	Provides: provides,
	Needs:    needs,
	Audit:    audit,
	Import:   &imports,
	Observe:  observe,
	Diff:     diff,
	Steps:    steps,
	Rename:   renameSteps,
	Watch:    watch,
	Stamp:    stamp,
	Ops: []actuators.AnyOp{
		define, redefine, start, stop, ready, setAutostart, setStop, setCPU, setMemory, setGuest,
		attachDisk, detachDisk, attachNIC, detachNIC, plug, renameMark, renameDomain, retire, restore, purge, adopt,
	},
})

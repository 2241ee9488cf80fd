// Package nat is the kind nat: ports of a public address that go to a private one. See README.md.
package nat

import (
	"plumbline/actuators"
	"plumbline/actuators/internal/nft"
	"plumbline/schema"
)

// Kind is the kind nat.
var Kind = actuators.Define(actuators.Def[Spec, State]{
	Name:     "nat",
	Where:    schema.OnHost,
	Edges:    edges,
	Resolve:  check,
	Provides: provides,
	Needs:    needs,
	Share:    share,
	Import:   &imports,
	Observe:  observe,
	Diff:     diff,
	Steps:    steps,
	Rename:   renameSteps,
	Ops:      []actuators.AnyOp{add, replace, remove, adopt, forward, rename},
	Watch:    nft.WatchServices,
	Stamp:    nft.StampServices,
})

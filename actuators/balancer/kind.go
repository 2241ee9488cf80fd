// Package balancer is the kind balancer: connections to a public port, spread over backends by nftables. See README.md.
package balancer

import (
	"plumbline/actuators"
	"plumbline/actuators/internal/nft"
	"plumbline/schema"
)

// Kind is the kind balancer.
var Kind = actuators.Define(actuators.Def[Spec, State]{
	Name:     "balancer",
	Where:    schema.OnHost,
	Edges:    edges,
	Resolve:  validate,
	Provides: provides,
	Needs:    needs,
	Share:    share,
	Observe:  observe,
	Diff:     diff,
	Steps:    steps,
	Import:   &imports,
	Rename:   renameSteps,
	Ops:      []actuators.AnyOp{create, addBackend, removeBackend, replace, remove, adopt, forward, rename},
	Watch:    nft.WatchServices,
	Stamp:    nft.StampServices,
})

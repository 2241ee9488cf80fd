// Package firewall is the kind firewall: which packets a host takes or passes on. See README.md.
package firewall

import (
	"plumbline/actuators"
	"plumbline/actuators/internal/nft"
	"plumbline/schema"
)

// Kind is the kind firewall.
var Kind = actuators.Define(actuators.Def[Spec, State]{
	Name:    "firewall",
	Where:   schema.OnHost,
	Resolve: validate,
	Share:   share,
	Import:  &imports,
	Observe: observe,
	Diff:    diff,
	Steps:   steps,
	Rename:  renameSteps,
	Ops:     []actuators.AnyOp{create, replace, remove, adopt, rename},
	Watch:   nft.Watch,
	Stamp:   nft.Stamp,
})

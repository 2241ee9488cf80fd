// Package zone is the kind of DNS zones: observed, never changed.
package zone

import (
	"plumbline/actuators"
	"plumbline/schema"
)

// Kind is a DNS zone. It has no ops.
var Kind = actuators.Define(actuators.Def[Spec, State]{
	Name:     "zone",
	Where:    schema.OnHost,
	Ground:   true,
	Unmarked: true,
	Resolve:  resolve,
	Import:   &imports,
	Observe:  observe,
	Diff:     diff,
	Steps:    steps,
})

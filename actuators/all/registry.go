// Package all lists every kind. Only cmd/plumb and tests import it.
package all

import (
	"sync"

	"plumbline/actuators"
)

//go:generate go run ./gen

// Registry holds every kind.
var Registry = sync.OnceValue(func() *actuators.Registry { return actuators.NewRegistry(kinds()...) })

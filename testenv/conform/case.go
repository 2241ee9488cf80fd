package conform

import (
	"context"
	"time"

	"plumbline/actuators"
	"plumbline/reconcile/exec"
	"plumbline/schema"
)

// Installation is whose marks the suite writes, unless a Case says otherwise.
const Installation = "0123456789abcdef"

// Other is an installation that is not ours, for a Foreign that wants to write a mark.
const Other = "fedcba9876543210"

// T is the part of testing.TB that the suite uses. Fatalf does not return.
type T interface {
	Helper()
	Fatalf(format string, args ...any)
	Logf(format string, args ...any)
}

// Case is one object of a kind on one host, and what can happen to it. Kind, ID, Specs and one of Host and Dial must be
// given; what else is given is checked too.
type Case struct {
	Kind *actuators.Kind
	ID   schema.ID
	// Host is where the kind's code runs, in this process.
	Host actuators.Host
	// Dial reaches a host instead, whose name is At. A step that wants a confirmation gets it over a second connection.
	Dial func(ctx context.Context) (exec.Executor, error)
	At   string
	// Specs are resolved specs of the object: the first is created, each next one is an update of the one before.
	Specs []any
	// Renamed is what the object is called and specified when it is renamed in place, as the last spec made it; it is renamed back
	// after. Nil for a kind that cannot.
	Renamed *Renamed
	// Foreign makes, with the system's own tools, a thing of the wanted name that is not ours. NotForeign takes it away.
	Foreign, NotForeign func()
	// Sabotage is done to the object as the last spec made it.
	Sabotage []Sabotage
	// Broken are ways in which the kind cannot look.
	Broken []Breakage
	// Native is all that the system's own tools show of the kind's things, in an order of its own. It must be the same
	// again whenever the observation must be.
	Native func() string
	// Secrets may stand in no params, captured state, observation or error.
	Secrets []string

	Installation string        // empty: Installation
	Patience     time.Duration // how long a state may take to show; 0: the op's own timeout
	Cuts         int           // random moments to cut a Do at; 0: two; below zero: no cuts at all, for what is slow
	Seed         uint64        // of those moments; 0: by the clock, logged
}

// Renamed is the object under another name.
type Renamed struct {
	ID   schema.ID
	Spec any
}

// Sabotage is a change by somebody else, with the system's own tools.
type Sabotage struct {
	Name string
	Do   func()
	Path string // of the difference that tells it, or a path above; "": any difference
	Mend func() // for what no step can mend; nil: the steps of the difference must
}

// Breakage makes looking impossible: a daemon that does not answer, a file that cannot be read.
type Breakage struct {
	Name  string
	Break func() (mend func())
	Alone bool // it hides this object alone: looking succeeds, says so of this one, and shows all others
}

const defaultCuts = 2

func (c Case) withDefaults() Case {
	if c.Installation == "" {
		c.Installation = Installation
	}
	if c.Cuts == 0 {
		c.Cuts = defaultCuts
	}
	if c.Host != nil {
		c.At = c.Host.Name()
	}
	for c.Seed == 0 {
		c.Seed = uint64(time.Now().UnixNano())
	}
	return c
}

package schema

import "encoding/json"

// Where says where the instances of a kind live.
type Where int

// The places of a kind.
const (
	OnHost       Where = iota + 1 // on the hosts that the object names, or on those of its home
	OnController                  // once, beside the controller
	OnItself                      // the kind "host": each object is its own place
)

// Place is where one instance stands: its host, and all hosts of the object in declared order.
type Place struct {
	Host  string
	Hosts []string
}

// Lookup finds the declared spec of another object (without Meta and placement, not resolved) and its hosts. It answers
// only for existing objects; a dangling name was reported before anything is resolved.
type Lookup func(id ID) (spec json.RawMessage, hosts []string, ok bool)

// Outline is what can be told from the declared spec alone.
type Outline struct {
	Home  ID // the object whose hosts this one lives on ("" = its own host or hosts field)
	Edges []Edge
}

// Facts is what an instance provides and needs, told from its resolved spec.
type Facts struct {
	Provides, Needs []Use
	Ranges          []Range
	Share           []string
}

// Declared is one resolved instance, for checks over a whole kind.
type Declared struct {
	Instance Instance
	Spec     json.RawMessage
}

// KindInfo is what the loader asks of a kind. actuators.Kind implements it. All of it is pure: the loader asks about many
// objects at once, and remembers what it was told for as long as nothing changes of what it gave and answered.
type KindInfo interface {
	Where() Where
	Ground() bool // shared ground (site, host, network, pool …): joins no lanes
	Outline(id ID, spec json.RawMessage) (Outline, error)
	Resolve(id ID, at Place, spec json.RawMessage, look Lookup) (json.RawMessage, Facts, []Problem)
	Audit(all []Declared, look Lookup) []Problem
}

// Kinds is the set of kinds that a topology may hold. actuators.Registry implements it.
type Kinds interface {
	Names() []string // sorted
	Info(kind string) (KindInfo, bool)
}

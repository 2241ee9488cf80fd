package actuators

import (
	"bytes"
	"context"
	"encoding/json"
	"time"

	"plumbline/schema"
)

// Scope is what to observe on one host.
type Scope struct {
	// All asks for the whole kind on this host, foreign things included. Otherwise only the targets.
	All bool `json:"all,omitempty"`
	// Targets are the instances that the topology declares or the inventory lists here, with the specs that tell where
	// to look (a zone's server, a pool's directory).
	Targets []Target `json:"targets,omitempty"`
	// Discover asks also for what nobody declared and only a search finds, such as the directories of libvirt's pools and what
	// lies in them. It is asked for by people who want to know what runs, never for a plan.
	Discover bool `json:"discover,omitempty"`
}

// Target is one instance to look at. Spec is the resolved spec: the wanted one, or the last applied when none is wanted.
type Target struct {
	ID   schema.ID       `json:"id"`
	Spec json.RawMessage `json:"spec"`
}

// Live is one thing that Observe found. L is a struct with two JSON halves: `config` (what operations decide, compared)
// and `status` (reported, never compared).
type Live[L any] struct {
	ID      schema.ID // its mark's, or for an unmarked thing the ID that an object of its name would have
	Mark    *Mark     // nil: nobody's, or no mark is possible on this kind
	Retired bool      // set aside by a removal, waiting for its purge; may be restored
	Aside   Aside     // of what is Retired
	// Unknown says why this one target could not be seen, when the rest of the scope could; then only ID counts. It is never
	// taken as absent, and freezes this object alone. What hides the whole scope is an error of Observe.
	Unknown string
	State   L
}

// Aside tells of a thing that was set aside.
type Aside struct {
	Name  string    `json:"name"`            // that it has meanwhile: a path, or the name of a domain
	Since time.Time `json:"since"`           // when it was set aside
	Bytes int64     `json:"bytes,omitempty"` // of storage that its purge would free; none where it holds no data of its own
}

// Observed is a Live erased to JSON.
type Observed struct {
	ID      schema.ID       `json:"id"`
	Mark    *Mark           `json:"mark,omitempty"`
	Retired bool            `json:"retired,omitempty"`
	Aside   Aside           `json:"aside,omitzero"`
	Unknown string          `json:"unknown,omitempty"` // why it could not be seen; then nothing else is said of it
	State   json.RawMessage `json:"state,omitempty"`   // {"config": …, "status": …}
}

// Same tells whether two observations show the same, byte for byte.
func (o *Observed) Same(other *Observed) bool {
	marks := o.Mark == other.Mark || o.Mark != nil && other.Mark != nil && *o.Mark == *other.Mark
	return marks && o.ID == other.ID && o.Retired == other.Retired && o.Aside == other.Aside && o.Unknown == other.Unknown && bytes.Equal(o.State, other.State)
}

// Have is what is there of one instance.
type Have[L any] struct {
	Here      *L            // nil = absent
	Mark      *Mark         // of Here
	Retired   *L            // set aside earlier on this host, and restorable
	Elsewhere map[string]*L // the same object, ours, on hosts where it is not declared
	Owned     bool          // Here is ours: marked by this installation, or in the inventory where no mark is possible
}

// HaveJSON is a Have erased to JSON.
type HaveJSON struct {
	Here      json.RawMessage            `json:"here,omitempty"`
	Mark      *Mark                      `json:"mark,omitempty"`
	Retired   json.RawMessage            `json:"retired,omitempty"`
	Elsewhere map[string]json.RawMessage `json:"elsewhere,omitempty"`
	Owned     bool                       `json:"owned,omitempty"`
}

// Event is a hint that something of a kind changed on a host. A look follows; the hint proves nothing. An empty ID means
// "anything of this kind"; the ID of another kind, whose source is the same, nothing of this one.
type Event struct {
	ID   schema.ID `json:"id,omitempty"`
	Time time.Time `json:"time"`
	Text string    `json:"text,omitempty"` // what the source said
	By   string    `json:"by,omitempty"`   // the process that did it, where the source names it: "nft (4711)"
	// Standing says that the watch hears everything from now on. It is the first event of every watch and of no other use.
	Standing bool `json:"standing,omitempty"`
}

// WatchFunc emits one Standing event as soon as it hears everything, then hints until the context ends or the source breaks;
// then it returns the reason, and the engine looks at everything once and starts it anew. A source that lost messages is
// broken.
type WatchFunc func(ctx context.Context, h Host, emit func(Event)) error

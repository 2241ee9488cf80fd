package actuators

import (
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
	State   L
}

// Observed is a Live erased to JSON.
type Observed struct {
	ID      schema.ID       `json:"id"`
	Mark    *Mark           `json:"mark,omitempty"`
	Retired bool            `json:"retired,omitempty"`
	State   json.RawMessage `json:"state"` // {"config": …, "status": …}
}

// Have is what is there of one instance.
type Have[L any] struct {
	Here      *L            // nil = absent
	Mark      *Mark         // of Here
	Retired   *L            // set aside earlier on this host, and restorable
	Elsewhere map[string]*L // the same object on other hosts
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
// "anything of this kind".
type Event struct {
	ID   schema.ID `json:"id,omitempty"`
	Time time.Time `json:"time"`
	Text string    `json:"text,omitempty"` // what the source said, for attribution
}

// WatchFunc sends hints until the context ends or the source breaks; then it returns the reason, and the engine looks at
// everything once and starts it anew.
type WatchFunc func(ctx context.Context, h Host, emit func(Event)) error

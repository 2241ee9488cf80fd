// Package inventory describes what Plumbline owns: one entry per instance, as it was last applied. It is pure data; the
// journal keeps it durable, diff and plan read it.
package inventory

import (
	"encoding/json"
	"slices"
	"time"

	"plumbline/actuators"
	"plumbline/schema"
)

// Entry is one instance that we own, as last applied.
type Entry struct {
	Instance  schema.Instance   `json:"instance"`
	Pos       schema.Pos        `json:"pos"`                // where its last applied declaration stood
	Commit    string            `json:"commit"`             // that declared it so
	AppliedAt time.Time         `json:"applied_at"`         // when it was last seen to be so
	Spec      json.RawMessage   `json:"spec"`               // last applied, resolved
	Hash      string            `json:"hash"`               // schema.Hash(Spec)
	State     json.RawMessage   `json:"state,omitempty"`    // seen when it was applied; the mark where none is possible
	After     []schema.Instance `json:"after,omitempty"`    // what it referred to: the reverse orders its removal
	Needs     []schema.Fact     `json:"needs,omitempty"`    // facts that it needed: so do they; what an older plumb wrote has all in After
	Provides  []schema.Use      `json:"provides,omitempty"` // facts, for moves and for "was vm/payroll"
	Share     []string          `json:"share,omitempty"`
	Drift     string            `json:"drift,omitempty"`      // alert | heal, as declared
	Manage    schema.Manage     `json:"manage,omitempty"`     // as declared
	Protect   bool              `json:"protect,omitempty"`    // as declared: it and what it refers to are not taken away
	Self      bool              `json:"self,omitempty"`       // as declared: the controller stands on it
	Retired   *time.Time        `json:"retired_at,omitempty"` // set aside, waiting for its purge
	Stuck     string            `json:"stuck,omitempty"`      // an undo failed here: frozen until somebody resumes it
	Was       []string          `json:"was,omitempty"`        // names that it was renamed from in place, the last one first
}

// Of makes the entry that records a node as applied; the run fills in AppliedAt and State.
func Of(n *schema.Node, commit string) Entry {
	return Entry{
		Instance: n.Instance, Pos: n.Object.Pos, Commit: commit, Spec: n.Spec, Hash: n.Hash,
		After: n.After, Needs: Facts(n.Needs), Provides: n.Provides, Share: n.Share, Drift: n.Object.Meta.Drift, Manage: n.Object.Meta.Manage,
		Protect: n.Object.Meta.Protect, Self: n.Object.Meta.Self,
	}
}

// Facts are those that are used, each once, in their order.
func Facts(uses []schema.Use) []schema.Fact {
	if len(uses) == 0 {
		return nil
	}
	facts := make([]schema.Fact, 0, len(uses))
	for _, use := range uses {
		if !slices.Contains(facts, use.Fact) {
			facts = append(facts, use.Fact)
		}
	}
	return facts
}

// Inventory is all entries by instance.
type Inventory map[schema.Instance]*Entry

// Target is what Observe needs to know to look for the entry.
func (e *Entry) Target() actuators.Target { return actuators.Target{ID: e.Instance.ID, Spec: e.Spec} }

// Same tells whether recording the other entry would say nothing new of what is declared. The commit plays no part.
func (e *Entry) Same(other *Entry) bool {
	return e.Alike(other) && e.Pos == other.Pos && e.Drift == other.Drift && e.Manage == other.Manage && e.Protect == other.Protect && e.Self == other.Self
}

// Alike tells whether the other entry is of the same thing to be made. Where that is declared, and how it is seen to, plays no part.
func (e *Entry) Alike(other *Entry) bool {
	return e.Hash == other.Hash && slices.Equal(e.After, other.After) && slices.Equal(e.Needs, other.Needs) &&
		slices.Equal(e.Provides, other.Provides) && slices.Equal(e.Share, other.Share)
}

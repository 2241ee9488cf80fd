package diff

import (
	"encoding/json"
	"slices"
	"strings"

	"plumbline/actuators"
	"plumbline/reconcile/inventory"
	"plumbline/schema"
)

// Change is what is to happen to one instance, and why.
type Change struct {
	Instance schema.Instance    `json:"instance"`
	Was      schema.ID          `json:"was,omitempty"` // its earlier name on this host, in place of which it comes; Have is of that
	Action   actuators.Action   `json:"action"`        // None: nothing to do on the machine, only the inventory follows
	Diff     actuators.Diff     `json:"diff"`
	Pos      schema.Pos         `json:"pos"`               // of the declaration; for a removal of the last applied one
	Approved schema.Pos         `json:"approved,omitzero"` // of the line that agrees to it; it is done for that alone
	Want     json.RawMessage    `json:"want,omitempty"`    // resolved spec; nil = removed
	Hash     string             `json:"hash,omitempty"`
	Have     actuators.HaveJSON `json:"have"`            // as planned; looked at again before the first step
	Entry    *inventory.Entry   `json:"entry,omitempty"` // to be recorded on success; nil = the entry goes
	Ground   bool               `json:"ground,omitempty"`
	Self     bool               `json:"self,omitempty"`  // the controller stands on it: last and alone
	After    []schema.Instance  `json:"after,omitempty"` // what it refers to; of a removal: what it referred to
	Needs    []schema.Fact      `json:"needs,omitempty"` // by fact: so do all who provide one
	Provides []schema.Use       `json:"provides,omitempty"`
	Released []schema.Use       `json:"released,omitempty"` // facts it provided when last applied
	Steps    []actuators.Step   `json:"-"`                  // upper halves, in order
	Lane     int                `json:"lane"`
}

// Disruption is what users feel of the change, each word once; "" when nothing.
func (c *Change) Disruption() string {
	var all []string
	for _, s := range c.Steps {
		if s.Disruptive != "" && !slices.Contains(all, s.Disruptive) {
			all = append(all, s.Disruptive)
		}
	}
	return strings.Join(all, ", ")
}

// Refusal is an instance that may not change now, and why. What depends on it waits.
type Refusal struct {
	Instance schema.Instance `json:"instance"`
	Class    Class           `json:"class"`
	Pos      schema.Pos      `json:"pos"`
	Text     string          `json:"text"`

	to schema.Agreement // what people may agree to instead; "" = nothing
}

// Class says why an instance is frozen.
type Class string

// The classes of refusal.
const (
	Unknown   Class = "unknown"   // its host did not answer, or the look failed: never taken as absent
	Foreign   Class = "foreign"   // a thing of its name is there and not ours
	Missing   Class = "missing"   // holds data, is ours, and is gone: never made anew by itself
	Stuck     Class = "stuck"     // an earlier undo failed here
	Refused   Class = "refused"   // the kind or a rule of the engine refuses the change
	Protected Class = "protected" // it, or what stands on it, is protected: never taken away for a declaration that is gone
	Closed    Class = "window"    // no change window lets it through now
	Denied    Class = "policy"    // a rule of a policy denies it
	Limit     Class = "limit"     // the plan would take away more than the limits allow
	Blocked   Class = "blocked"   // needs something that is itself refused
)

// Result is the outcome of a comparison.
type Result struct {
	Changes  []*Change // sorted by instance
	Refusals []Refusal // sorted by instance
	Notes    []Note
}

// Note is worth a line and changes nothing.
type Note struct {
	Instance schema.Instance `json:"instance"`
	Text     string          `json:"text"`
}

// Package plan orders what differs into steps and shows it. It is pure: the same input gives the same bytes.
package plan

import (
	"time"

	"plumbline/actuators"
	"plumbline/reconcile/diff"
	"plumbline/schema"
)

// FormatVersion of the JSON of a plan: a new minor adds, a new major may take away.
const FormatVersion = "1.0"

// Change is what is to happen to one instance.
type Change = diff.Change

// Plan is ordered steps from have to want. It is what is shown, saved, journaled and run.
type Plan struct {
	FormatVersion string            `json:"format_version"`
	ID            string            `json:"id"`     // unique; given by the caller
	Commit        string            `json:"commit"` // wanted
	Base          string            `json:"base"`   // last applied commit, or ""
	CreatedAt     time.Time         `json:"created_at"`
	Changes       []*Change         `json:"changes"`
	Steps         []actuators.Step  `json:"steps"` // in a total order: a step's Needs stand before it
	Lanes         []Lane            `json:"lanes"`
	Refusals      []diff.Refusal    `json:"refusals,omitempty"`
	External      []schema.External `json:"external,omitempty"`
	Notes         []diff.Note       `json:"notes,omitempty"`
	EffectDigest  string            `json:"effect_digest"` // "sha256:…" over ordered actions and values, never commit, time or approvals
	Atomic        bool              `json:"atomic,omitempty"`
}

// Lane is changed objects that succeed or are rolled back together.
type Lane struct {
	ID           int               `json:"id"`
	Objects      []schema.Instance `json:"objects"`
	Ground       bool              `json:"ground,omitempty"`
	Needs        []int             `json:"needs,omitempty"` // lanes of shared ground that must be done before
	EffectDigest string            `json:"effect_digest"`
	Held         string            `json:"held,omitempty"` // why it may not run; "" = it runs
}

// Empty tells whether nothing would be done on any machine.
func (p *Plan) Empty() bool { return len(p.Steps) == 0 }

// Change finds the change of an instance, or nil.
func (p *Plan) Change(i schema.Instance) *Change {
	for _, c := range p.Changes {
		if c.Instance == i {
			return c
		}
	}
	return nil
}

package actuators

import (
	"encoding/json"
	"time"

	"plumbline/schema"
)

// Reversal says what becomes of a step when its lane is rolled back.
type Reversal string

// The reversals.
const (
	Exact      Reversal = "exact"      // Undo restores what was captured
	Compensate Reversal = "compensate" // Undo restores the function; what remains different is named
	Kept       Reversal = "kept"       // harmless and one-way; no Undo; a rollback leaves and names it
	NoReversal Reversal = "none"       // destroys; purge phase only, with an approval in Git
)

// OpPurge is the op by which every kind that sets things aside destroys one of them for good; its reversal is none. Steps is
// asked for it with the action Purge and what was set aside as Have.Retired, and answers with that one step.
const OpPurge = "purge"

// OpRename is the op by which every kind that renames in place makes a thing its object's that was another object's: before it
// the object is absent, after it there. Its params hold the earlier mark in the field "was"; Predict gives the whole state
// also when have is nil, for nothing is seen under the new name before.
const OpRename = "rename"

// Step is one op on one instance: pure data, the same bytes in plan, journal and wire. A kind's Steps fills the upper
// half; the planner the lower.
type Step struct {
	Op         string          `json:"op"`
	Host       string          `json:"host,omitempty"` // where it runs when not the instance's own host (a migration's source)
	Params     json.RawMessage `json:"params"`
	Summary    string          `json:"summary"`              // what it does, in an operator's words: "grow 64Mi → 128Mi"
	Disruptive string          `json:"disruptive,omitempty"` // what users feel: "restart", "down for seconds"; empty: nothing
	Hold       time.Duration   `json:"hold,omitempty"`       // least time between its end and its dependants' start

	ID       string          `json:"id"` // "vm/payroll@jino0#2", unique in the plan
	Instance schema.Instance `json:"instance"`
	Version  int             `json:"version"`
	Reversal Reversal        `json:"reversal"`
	Needs    []string        `json:"needs,omitempty"` // IDs of steps that must be done before, and of gates of the plan that must be open
	Share    []string        `json:"share,omitempty"` // containers: steps that share one never run at the same time
	Lane     int             `json:"lane"`
	Timeout  time.Duration   `json:"timeout"`
	Confirm  time.Duration   `json:"confirm,omitempty"`
}

// Subject tells Steps whom it works for.
type Subject struct {
	Instance schema.Instance
	Mark     Mark // to be written wherever the kind keeps marks; Hash is that of the wanted spec
}

// NewStep makes the upper half of a step with typed params.
func NewStep(op string, params any, summary string) Step {
	data, err := json.Marshal(params)
	if err != nil {
		panic("internal error: params of op " + op + ": " + err.Error())
	}
	return Step{Op: op, Params: data, Summary: summary}
}

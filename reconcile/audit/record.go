// Package audit is the trail of all that was ever changed, refused or ordered: who, what, why, by which commit and plan, with what was
// seen before and after. It is written once and never changed, in files of its own beside the journal, each line chained to the
// one before by its hash. It decides nothing; who loses it loses answers and nothing else. It imports schema only.
//
//	STATE/audit/2026-11.log        the month that is written: a header, then a line for what was written together
//	STATE/audit/2026-10.log.gz     a month that has ended
//	STATE/audit.json               where the trail ends, so that a missing end is known
package audit

import (
	"encoding/json"
	"time"

	"plumbline/schema"
)

// FormatVersion of a segment and of an exported line: a new minor adds, a new major may take away.
const FormatVersion = "1.1"

// Type says what a record is of.
type Type string

// The types.
const (
	Began  Type = "began"  // an object as it was when the trail began, or when it began anew
	Change Type = "change" // what a plan did to one object
	Plan   Type = "plan"   // what came of a plan; behind its changes
	Refuse Type = "refuse" // what a plan refused to do, and why
	Drift  Type = "drift"  // an alert that fired, or how it ended
	Order  Type = "order"  // what a person said: suspend, freeze, apply, ack, trust, "plumb approve" in a comment …; before it is done
	Note   Type = "note"   // about the trail itself: what was lost
)

// Record is one line of the export. Secrets are never in it: a spec names them, and what is encrypted is left out.
type Record struct {
	Seq  uint64    `json:"seq"` // from 1, without a gap
	Time time.Time `json:"time"`
	Type Type      `json:"type"`

	By      string `json:"by,omitempty"`     // who ordered it: "the controller", or the name of a user; of drift who may have done it
	Commit  string `json:"commit,omitempty"` // that declares it so
	Author  string `json:"author,omitempty"`
	Subject string `json:"subject,omitempty"` // first line of its message: why
	Signer  string `json:"signer,omitempty"`
	Key     string `json:"key,omitempty"`
	Plan    string `json:"plan,omitempty"`
	Effect  string `json:"effect,omitempty"` // digest of the plan's effect

	Requests  []string   `json:"requests,omitempty"`  // addresses of the requests that the commits came by, the newest first
	Approvals []Approval `json:"approvals,omitempty"` // that let it through

	Object   schema.Instance `json:"object,omitzero"`
	Declared schema.Pos      `json:"declared,omitzero"`
	Action   string          `json:"action,omitempty"`
	Fields   []Field         `json:"fields,omitempty"` // that differed
	Steps    []Step          `json:"steps,omitempty"`
	Spec     json.RawMessage `json:"spec,omitempty"` // as it is applied from here on; absent: the object is gone
	Before   json.RawMessage `json:"before,omitempty"`
	After    json.RawMessage `json:"after,omitempty"` // as it was seen when the steps were done
	Result   string          `json:"result,omitempty"`
	Text     string          `json:"text,omitempty"`
}

// Approval is the word of people that a rule waited for.
type Approval struct {
	Rule  string     `json:"rule"`           // the protected path, "approve.purge", or "plumb approve"
	Place schema.Pos `json:"place,omitzero"` // of the rule, or of the line that approves
	Need  int        `json:"need,omitempty"` // how many of them
	By    []string   `json:"by,omitempty"`   // absent: whoever wrote the line, see author
}

// Field is one difference.
type Field struct {
	Path string `json:"path"`
	From any    `json:"from,omitempty"`
	To   any    `json:"to,omitempty"`
}

// Step is one step of a change, with what it promised and what was measured.
type Step struct {
	ID       string  `json:"id"`
	Summary  string  `json:"summary"`
	State    string  `json:"state,omitempty"` // done, undone, kept, stuck; "" = never begun
	Promised string  `json:"promised,omitempty"`
	Seconds  float64 `json:"seconds,omitempty"` // from its beginning until it was seen to be as predicted
	Err      string  `json:"err,omitempty"`
}

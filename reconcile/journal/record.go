package journal

import (
	"encoding/json"
	"time"

	"plumbline/reconcile/inventory"
	"plumbline/schema"
)

// State is what a record says of a step, or of a lane when it names no step.
//
//	step   begun ──► done ──► undone | kept | stuck
//	         └──────────────► undone | kept | stuck
//	lane   failed: from here on it only goes back, whoever resumes it
//
// A step without a record was never started. A begun step without a later record may or may not have happened.
type State string

// The states of a record.
const (
	Begun  State = "begun"  // about to be done; holds what is needed to undo it
	Done   State = "done"   // done, and seen to be so
	Undone State = "undone" // undone, and seen to be as before
	Kept   State = "kept"   // one-way: left as it is and named
	Stuck  State = "stuck"  // could not be undone: left as it is, named, its instance frozen
	Failed State = "failed" // the lane goes back; Err says why
)

// Record is one line of the journal.
type Record struct {
	Plan   string          `json:"plan"`
	Lane   int             `json:"lane"`
	Step   string          `json:"step,omitempty"`
	State  State           `json:"state"`
	Before json.RawMessage `json:"before,omitempty"` // begun: what the op captured
	Have   json.RawMessage `json:"have,omitempty"`   // begun: the live state that was looked at
	Err    string          `json:"err,omitempty"`
	Cause  string          `json:"cause,omitempty"` // failed: the class of the error
	At     time.Time       `json:"at"`
	// Update changes the inventory in the same transaction.
	Update *Update `json:"update,omitempty"`
}

// Update is a change of the inventory. Prior is what it replaced, for the way back. With both Put and Delete an object was
// renamed: Delete and Prior are of its earlier name.
type Update struct {
	Put    *inventory.Entry `json:"put,omitempty"`
	Delete *schema.Instance `json:"delete,omitempty"`
	Prior  *inventory.Entry `json:"prior,omitempty"`
}

// Instance is whose entry it changes.
func (u Update) Instance() schema.Instance {
	if u.Put != nil {
		return u.Put.Instance
	}
	return *u.Delete
}

// Reverse is the update that restores the entry as it was.
func (u Update) Reverse() Update {
	i := u.Instance()
	if u.Prior == nil {
		return Update{Delete: &i}
	}
	back := Update{Put: u.Prior}
	if i != u.Prior.Instance {
		back.Delete = &i
	}
	return back
}

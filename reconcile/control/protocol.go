// Package control lets commands speak with a running controller over its Unix socket: gRPC with JSON messages, one
// streaming call for every verb. The socket is the controller's user's own (0600), and the kernel is asked who is at the
// other end.
package control

import (
	"bytes"
	"encoding/json"
	"sync"

	"plumbline/reconcile"
	"plumbline/reconcile/drift"
	"plumbline/reconcile/inventory"
	"plumbline/reconcile/journal"
	"plumbline/reconcile/plan"
	"plumbline/reconcile/run"
	"plumbline/schema"
)

const (
	serviceName  = "plumb.control.v1.Control"
	methodName   = "Call"
	messageLimit = 256 << 20
)

// Verb says what is asked.
type Verb string

// The verbs.
const (
	Status   Verb = "status"
	Memory   Verb = "memory"
	Apply    Verb = "apply"
	Incident Verb = "incidents"
	Heal     Verb = "heal"
	History  Verb = "history"
	Suspend  Verb = "suspend"
	Resume   Verb = "resume"
	Release  Verb = "release" // a parked effect or a stuck instance
	Rewind   Verb = "rewind"
	Trust    Verb = "trust"   // a host that is another machine
	Ack      Verb = "ack"     // somebody sees to an alert
	Once     Verb = "once"    // a commit that nobody signed who may
	Look     Verb = "look"    // at the repository, at once
	Felt     Verb = "felt"    // what users felt of a plan
	Ordered  Verb = "ordered" // an order that was given elsewhere, for the audit trail
)

// Request is one call.
type Request struct {
	Verb       Verb               `json:"verb"`
	Plan       *plan.Plan         `json:"plan,omitempty"`
	Instances  []schema.Instance  `json:"instances,omitempty"`
	Count      int                `json:"count,omitempty"`
	Suspension json.RawMessage    `json:"suspension,omitempty"`
	Name       string             `json:"name,omitempty"`
	Once       *journal.Once      `json:"once,omitempty"`
	Ack        *drift.Ack         `json:"ack,omitempty"`
	Ordered    *reconcile.Ordered `json:"ordered,omitempty"`
	Known      string             `json:"known,omitempty"` // of Memory: the stamp of the entries that the caller has
}

// Reply is one message of the answer. Events come first; the last message has Done.
type Reply struct {
	Event     *run.Event            `json:"event,omitempty"`
	Status    json.RawMessage       `json:"status,omitempty"`
	Memory    *Remembered           `json:"memory,omitempty"`
	Result    *run.Result           `json:"result,omitempty"`
	Incidents []drift.Incident      `json:"incidents,omitempty"`
	Groups    []drift.Group         `json:"groups,omitempty"`
	Unseen    []reconcile.HostError `json:"unseen,omitempty"`
	History   []journal.Past        `json:"history,omitempty"`
	Felt      []string              `json:"felt,omitempty"`
	Text      string                `json:"text,omitempty"`
	Done      bool                  `json:"done,omitempty"`
	Err       string                `json:"err,omitempty"`
	Class     string                `json:"class,omitempty"`    // of Err, so that errors.Is finds it at this end
	Problems  schema.Problems       `json:"problems,omitempty"` // when Err is mistakes of a topology
	More      int                   `json:"more,omitempty"`     // how many mistakes there are beside Problems
}

// Remembered is what planning needs to know of the past. It implements reconcile.Memory.
type Remembered struct {
	Who     string                    `json:"installation"`
	Entries []*inventory.Entry        `json:"entries"`
	Last    journal.Commits           `json:"commits"`
	Held    map[string]journal.Parked `json:"parked"`
	Stamp   string                    `json:"stamp,omitempty"` // of the entries: who has it need not be sent them again
	Same    bool                      `json:"same,omitempty"`  // they are those of the stamp that the caller knows, and left out

	once sync.Once
	all  inventory.Inventory
}

// Installation is whose marks are ours.
func (r *Remembered) Installation() string { return r.Who }

// Inventory is what we own. It is not to be changed.
func (r *Remembered) Inventory() (inventory.Inventory, error) {
	r.once.Do(func() {
		r.all = make(inventory.Inventory, len(r.Entries))
		for _, e := range r.Entries {
			r.all[e.Instance] = e
		}
	})
	return r.all, nil
}

// with takes the entries of an earlier answer, which are the same.
func (r *Remembered) with(known *Remembered) *Remembered {
	r.Entries = known.Entries
	r.once.Do(func() { r.all, _ = known.Inventory() }) // it gives no error
	return r
}

// Commits are the last applied and the newest accepted one.
func (r *Remembered) Commits() (journal.Commits, error) { return r.Last, nil }

// Parked are the effects that failed.
func (r *Remembered) Parked() (map[string]journal.Parked, error) { return r.Held, nil }

type codec struct{}

func (codec) Name() string { return "json" }

func (codec) Marshal(v any) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(v)
	return out.Bytes(), err
}

func (codec) Unmarshal(data []byte, v any) error { return json.Unmarshal(data, v) }

package reconcile

import (
	"sync"
	"time"

	"plumbline/reconcile/diff"
	"plumbline/reconcile/drift"
	"plumbline/schema"
)

// Phase is what the loop is doing.
type Phase string

// The phases.
const (
	Stopped  Phase = "stopped" // no controller runs; the state directory answers
	Waiting  Phase = "waiting"
	Loading  Phase = "loading"
	Planning Phase = "planning"
	Applying Phase = "applying"
	Healing  Phase = "healing"
)

// Status is what `plumb status` tells of a running controller.
type Status struct {
	Phase     Phase               `json:"phase"`
	Since     time.Time           `json:"since,omitzero"`
	Head      string              `json:"head,omitempty"`    // newest commit of the source
	Signer    string              `json:"signer,omitempty"`  // who signed the newest commit that was accepted
	Applied   string              `json:"applied,omitempty"` // last one applied in full
	Verdict   string              `json:"verdict,omitempty"` // of Head
	Plan      string              `json:"plan,omitempty"`    // ID of the last plan that ran
	Error     string              `json:"error,omitempty"`   // why Head could not be planned
	Problems  []schema.Problem    `json:"problems,omitempty"`
	Refusals  []diff.Refusal      `json:"refusals,omitempty"`
	Held      []string            `json:"held,omitempty"` // lanes that wait, and why
	Notes     []diff.Note         `json:"notes,omitempty"`
	Unseen    string              `json:"unseen,omitempty"` // effect of Head, which is held because it is not what its request showed
	Suspended string              `json:"suspended,omitempty"`
	Windows   []string            `json:"windows,omitempty"` // the change windows, each with whether it is active
	Objects   int                 `json:"objects"`
	Incidents int                 `json:"incidents"`        // firing, acknowledged and muted ones among them
	Acked     int                 `json:"acked,omitempty"`  // of these: somebody sees to them
	Muted     int                 `json:"muted,omitempty"`  // of these: told to nobody, by a rule
	Groups    []drift.Group       `json:"groups,omitempty"` // of one cause, told as one
	Source    string              `json:"source,omitempty"` // why the source cannot be read; "" = it can
	Looks     map[string]HostLook `json:"looks,omitempty"`
}

// HostLook is how one host answered last: what is known of it was true then or later, and why it is not seen now.
type HostLook struct {
	At  time.Time `json:"at"`
	Err string    `json:"err,omitempty"`
}

// drifted counts what an engine holds open.
func (s *Status) drifted(e *drift.Engine) {
	for _, i := range e.Incidents() {
		switch {
		case !i.Open():
			continue
		case i.Muted != "":
			s.Muted++
		case i.Phase != drift.Firing:
			s.Acked++
		}
		s.Incidents++
	}
	s.Groups = e.Groups()
}

// board holds the status; it is read while the loop works.
type board struct {
	mu     sync.Mutex
	status Status
}

func (b *board) update(change func(*Status)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change(&b.status)
}

// phase says what the loop does from now on; going on with the same is no change.
func (b *board) phase(p Phase, at time.Time) {
	b.update(func(s *Status) {
		if s.Phase != p {
			s.Phase, s.Since = p, at
		}
	})
}

// Status is a copy of what is known now.
func (b *board) Status() Status {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.status
}

// Package drift notices that what is live is no longer what was last applied, tells it, and heals it where that is allowed.
//
// A commit that is not applied yet is pending, not drift; a look that failed is unknown, neither drift nor clean.
//
//	          differs                 differs again, or the source told of it
//	clean ──────────────► suspected ────────────────────────────────────────► firing ──► acked | snoozed
//	  ▲                       │ equal                                            │ equal for the hold-down
//	  └───────────────────────┴────────────────────── resolved ◄─────────────────┘
//
// Each change of what fires is written down with its notice in one commit, see notify.Outbox: a restart tells nothing twice
// and forgets nothing. It imports exec and notify beside what diff imports; only package reconcile imports it.
package drift

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"plumbline/actuators"
	"plumbline/reconcile/diff"
	"plumbline/reconcile/inventory"
	"plumbline/reconcile/notify"
	"plumbline/reconcile/who"
	"plumbline/schema"
)

// Phase is where an incident stands in its life.
type Phase string

// The phases.
const (
	Suspected Phase = "suspected"
	Firing    Phase = "firing"
	Acked     Phase = "acked"   // somebody sees to it: no reminders, no healing by itself
	Snoozed   Phase = "snoozed" // the same until a time
	Resolved  Phase = "resolved"
)

// Policy says what is done about drift.
type Policy string

// The policies. Alert is the default wherever data is held.
const (
	Alert Policy = "alert"
	Heal  Policy = "heal"
	Ask   Policy = "ask" // the alert says what healing would do, and waits for the word of a person
)

// Who ended an incident.
const (
	ByHeal           = "heal"
	ByApply          = "apply"   // a plan brought it back
	ByAdopted        = "adopted" // what is live was declared
	ByManual         = "manual"
	ByIgnored        = "ignored"
	NoLongerDeclared = "no longer declared"
)

// Life is what one incident and a group of them have in common: who it is, and what was told of it.
type Life struct {
	Fingerprint string    `json:"fingerprint"`
	Phase       Phase     `json:"phase"`
	FirstSeen   time.Time `json:"first_seen"`
	ResolvedAt  time.Time `json:"resolved_at,omitzero"`
	ResolvedBy  string    `json:"resolved_by,omitempty"` // one of the By words
	Sent        int       `json:"sent,omitempty"`        // notices so far
	SentAt      time.Time `json:"sent_at,omitzero"`      // when the last one was decided
	Ack         *Ack      `json:"ack,omitempty"`
}

// Ack is somebody's word that they see to it.
type Ack struct {
	By     string    `json:"by"`
	Reason string    `json:"reason,omitempty"`
	At     time.Time `json:"at"`
	Until  time.Time `json:"until,omitzero"` // zero: until it is resolved
}

// Open tells whether it fires, whoever sees to it.
func (a *Life) Open() bool { return a.Phase == Firing || a.Phase == Acked || a.Phase == Snoozed }

// id names the next notice of this alert: which alert, since when, and the number of its transition.
func (a *Life) id() string {
	return fmt.Sprintf("%s/%s/%d", a.Fingerprint, a.FirstSeen.UTC().Format("20060102T150405.000000"), a.Sent)
}

// sending counts a notice.
func (a *Life) sending(now time.Time) { a.Sent, a.SentAt = a.Sent+1, now }

// Incident is one instance that is not as it was last applied. Its identity is that of its first finding; a later one
// changes what it tells and never who it is.
type Incident struct {
	Life                         // its fingerprint is of class, instance and field paths as first seen: never of values, messages or times
	Instance  schema.Instance    `json:"instance"`
	Class     diff.DriftClass    `json:"class"`
	Severity  notify.Severity    `json:"severity,omitempty"`
	Changes   []actuators.Change `json:"changes,omitempty"` // from what is live (From) to what was applied (To)
	Declared  schema.Pos         `json:"declared"`
	Commit    string             `json:"commit"`
	Policy    Policy             `json:"policy"`
	LastGood  time.Time          `json:"last_good,omitzero"` // when it was last seen as applied
	Heals     int                `json:"heals,omitempty"`
	Booted    bool               `json:"booted,omitempty"`    // its host booted, which took it along
	Contended bool               `json:"contended,omitempty"` // healed too often: somebody or something undoes it
	Flapping  bool               `json:"flapping,omitempty"`  // it comes and goes: told once, until it stays away
	Clean     time.Time          `json:"clean,omitzero"`      // seen as applied again since then; resolved when that lasts
	Told      string             `json:"told,omitempty"`      // what the event source said, if one did
	Group     string             `json:"group,omitempty"`     // cause of the group that tells of it; it is not told alone
	Muted     string             `json:"muted,omitempty"`     // the rule that has it told to nobody
	Who       *who.Who           `json:"who,omitempty"`       // who may have done it, by what the host's records say

	doubted   time.Time // a look found it worse, and another is to be made
	own, near []string  // processes that event sources named: of this alone, and of something of its kind
}

func newIncident(entry *inventory.Entry, f diff.Finding, now time.Time) *Incident {
	i := &Incident{Instance: entry.Instance, Declared: entry.Pos, Commit: entry.Commit, LastGood: entry.AppliedAt}
	i.Phase, i.FirstSeen = Suspected, now
	i.update(f)
	i.Fingerprint = i.fingerprint()
	return i
}

// update takes over what a new look found.
func (i *Incident) update(f diff.Finding) {
	i.Class, i.Changes, i.Clean = f.Class, f.Diff.Changes, time.Time{}
}

func (i *Incident) fingerprint() string {
	var paths []string
	for _, c := range i.Changes {
		paths = append(paths, c.Path)
	}
	slices.Sort(paths)
	return fingerprint(string(i.Class), i.Instance.String(), strings.Join(paths, "\x00"))
}

func fingerprint(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:8])
}

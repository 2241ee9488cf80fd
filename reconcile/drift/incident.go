// Package drift notices that what is live is no longer what was last applied, tells it, and heals it where that is allowed.
//
// A commit that is not applied yet is pending, not drift; a look that failed is unknown, neither drift nor clean.
//
//	          differs                 differs again, or the source told of it
//	clean ──────────────► suspected ────────────────────────────────────────► firing ──► healing
//	  ▲                       │ equal                                            │ equal     │
//	  └───────────────────────┴────────────────────── resolved ◄─────────────────┴───────────┘
//
// It imports exec and notify beside what diff imports; only package reconcile imports it.
package drift

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"plumbline/actuators"
	"plumbline/reconcile/diff"
	"plumbline/reconcile/inventory"
	"plumbline/schema"
)

// Phase is where an incident stands in its life.
type Phase string

// The phases.
const (
	Suspected Phase = "suspected"
	Firing    Phase = "firing"
	Resolved  Phase = "resolved"
)

// Policy says what is done about drift.
type Policy string

// The policies. Alert is the default wherever data is held.
const (
	Alert Policy = "alert"
	Heal  Policy = "heal"
)

// Incident is one instance that is not as it was last applied. Its identity is that of its first finding; a later one
// changes what it tells and never who it is.
type Incident struct {
	Fingerprint string             `json:"fingerprint"` // of class, instance and field paths as first seen: never of values, messages or times
	Instance    schema.Instance    `json:"instance"`
	Class       diff.DriftClass    `json:"class"`
	Phase       Phase              `json:"phase"`
	Changes     []actuators.Change `json:"changes,omitempty"` // from what is live (From) to what was applied (To)
	Declared    schema.Pos         `json:"declared"`
	Commit      string             `json:"commit"`
	Policy      Policy             `json:"policy"`
	FirstSeen   time.Time          `json:"first_seen"`
	LastGood    time.Time          `json:"last_good,omitzero"` // when it was last seen as applied
	ResolvedAt  time.Time          `json:"resolved_at,omitzero"`
	ResolvedBy  string             `json:"resolved_by,omitempty"` // heal | apply | hand | no longer declared
	Heals       int                `json:"heals,omitempty"`
	Contended   bool               `json:"contended,omitempty"` // healed too often: somebody or something undoes it
	Told        string             `json:"told,omitempty"`      // what the event source said, if one did
}

func newIncident(entry *inventory.Entry, f diff.Finding, now time.Time) *Incident {
	i := &Incident{
		Instance: entry.Instance, Phase: Suspected, Declared: entry.Pos, Commit: entry.Commit, FirstSeen: now, LastGood: entry.AppliedAt,
	}
	i.update(f)
	i.Fingerprint = i.fingerprint()
	return i
}

// update takes over what a new look found.
func (i *Incident) update(f diff.Finding) { i.Class, i.Changes = f.Class, f.Diff.Changes }

func (i *Incident) fingerprint() string {
	var paths []string
	for _, c := range i.Changes {
		paths = append(paths, c.Path)
	}
	slices.Sort(paths)
	sum := sha256.Sum256([]byte(string(i.Class) + "\x00" + i.Instance.String() + "\x00" + strings.Join(paths, "\x00")))
	return hex.EncodeToString(sum[:8])
}

// id names this incident among those of the same fingerprint; it is the ID of all its notices.
func (i *Incident) id() string {
	return i.Fingerprint + "/" + i.FirstSeen.UTC().Format("20060102T150405.000000")
}

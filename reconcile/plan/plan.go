// Package plan orders what differs into steps and shows it. It is pure: the same input gives the same bytes.
package plan

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"plumbline/actuators"
	"plumbline/reconcile/diff"
	"plumbline/reconcile/inventory"
	"plumbline/schema"
)

// FormatVersion of the JSON of a plan: a new minor adds, a new major may take away.
const FormatVersion = "1.4"

// Change is what is to happen to one instance.
type Change = diff.Change

// Plan is ordered steps from have to want. It is what is shown, saved, journaled and run.
type Plan struct {
	FormatVersion string            `json:"format_version"`
	ID            string            `json:"id"`     // unique; given by the caller
	Commit        string            `json:"commit"` // wanted
	Base          string            `json:"base"`   // last applied commit, or ""
	CreatedAt     time.Time         `json:"created_at"`
	ObservedAt    time.Time         `json:"observed_at,omitzero"` // everything that it is compared with was true then or later
	Changes       []*Change         `json:"changes"`              // sorted by instance
	Steps         []actuators.Step  `json:"steps"`                // in a total order: a step's Needs stand before it
	Gates         []Gate            `json:"gates,omitempty"`      // in the order in which they open: a gate's Needs stand before it
	Lanes         []Lane            `json:"lanes"`
	Refusals      []diff.Refusal    `json:"refusals,omitempty"`
	External      []schema.External `json:"external,omitempty"`
	Notes         []diff.Note       `json:"notes,omitempty"`
	Windows       []string          `json:"windows,omitempty"`   // the change windows, each with whether it is active
	Suspended     string            `json:"suspended,omitempty"` // why the controller changes nothing now: a freeze, or a suspension
	Opens         time.Time         `json:"opens_at,omitzero"`   // when the first of what a window refuses may be done
	EffectDigest  string            `json:"effect_digest"`       // "sha256:…" over ordered actions and values, never commit, time or approvals
	Atomic        bool              `json:"atomic,omitempty"`
	Installation  string            `json:"installation,omitempty"` // saved before there was a state: whose marks its steps write, and so the state's
}

// Gate stands between many steps and many that wait for all of them, because of a fact: it is open when all that it needs is
// done. Steps name it among their Needs; it does nothing itself.
//
//	addr/public/203.0.113.3             all who provide the fact are there
//	addr/public/203.0.113.3#unneeded    all who needed it need it no more, so that who provided it may go
//	addr/public/203.0.113.3#released    all who held it alone hold it no more, so that others may take it
type Gate struct {
	ID    string   `json:"id"`
	Needs []string `json:"needs"` // IDs of steps and gates, ascending
}

// Lane is changed objects that succeed or are rolled back together. A change that needs no step has lane 0, unless other
// instances of its object have steps.
type Lane struct {
	ID           int               `json:"id"` // from 1
	Objects      []schema.Instance `json:"objects"`
	Ground       bool              `json:"ground,omitempty"` // shared ground, which joins no other
	Needs        []int             `json:"needs,omitempty"`  // lanes that must be done before
	Last         bool              `json:"last,omitempty"`   // it purges: all lanes that do not must be done before
	Self         bool              `json:"self,omitempty"`   // the controller stands on it: nothing else runs beside it, and its steps run one by one
	Turn         int               `json:"turn,omitempty"`   // lanes of lower turns must have ended before, whatever came of them
	EffectDigest string            `json:"effect_digest"`
	Unapproved   bool              `json:"unapproved,omitempty"` // Held because not enough people agreed
	Held         string            `json:"held,omitempty"`       // why it may not run; "" = it runs
	Agreed       []Agreement       `json:"agreed,omitempty"`     // the rules by which people have to agree to it, and who did
}

// Agreement is a rule by which people have to agree to what a lane does, and who did.
type Agreement struct {
	Rule  string     `json:"rule"` // a pattern of paths
	Pos   schema.Pos `json:"pos"`  // of the rule
	Need  int        `json:"need"`
	Of    []string   `json:"of"`    // patterns of whose word counts
	Names []string   `json:"names"` // who agreed, sorted
}

// Lacks tells whether not enough people agreed.
func (a Agreement) Lacks() bool { return len(a.Names) < a.Need }

// Input is what a plan is made of.
type Input struct {
	ID        string
	CreatedAt time.Time
	Observed  time.Time // of the oldest look; zero: nothing was looked at
	Base      string
	Want      *schema.Graph
	Inventory inventory.Inventory
	Diff      diff.Result
	Parked    map[string]string  // effect digest of a lane → why it is held
	Atomic    bool               // one lane for everything
	Self      func(*Change) bool // tells what the controller itself stands on; nil = nothing
}

// Make orders the changes into steps and lanes.
//
//	create, update   after what it newly needs is there
//	update           before what it needed is retired
//	retire           after everything that needed it (by the inventory) is retired or updated
//	exclusive fact   its old holder releases before the new one acquires
//	self             after everything that does not need it, each alone
//	purge            after everything else, in lanes of its own, so that nothing is destroyed for a commit that does not stand
func Make(in Input) (*Plan, error) {
	p := &Plan{
		FormatVersion: FormatVersion, ID: in.ID, Commit: in.Want.Commit, Base: in.Base, CreatedAt: in.CreatedAt, ObservedAt: in.Observed,
		Changes: slices.Clone(in.Diff.Changes), Refusals: in.Diff.Refusals, Notes: in.Diff.Notes, External: in.Want.External, Atomic: in.Atomic,
	}
	slices.SortFunc(p.Changes, func(a, b *Change) int { return a.Instance.Compare(b.Instance) })
	for _, c := range p.Changes {
		c.Self = in.Self != nil && in.Self(c)
	}
	w := newWeb(in, p.Changes)
	order, err := w.order()
	if err != nil {
		return nil, err
	}
	w.fold()
	p.Lanes = lanes(w, p.Changes, in.Atomic)
	order = takeTurns(w, p.Lanes, order)
	p.number(w, order)
	p.digest()
	for i := range p.Lanes {
		p.Lanes[i].Held = in.Parked[p.Lanes[i].EffectDigest]
	}
	return p, nil
}

// Empty tells whether nothing would be done on any machine.
func (p *Plan) Empty() bool { return len(p.Steps) == 0 }

// Refused tells whether anything lacks approval, or is frozen for another reason than an unknown state; what is blocked waits for one that is.
func (p *Plan) Refused() bool {
	return slices.ContainsFunc(p.Lanes, func(l Lane) bool { return l.Unapproved }) || slices.ContainsFunc(p.Refusals, func(r diff.Refusal) bool { return r.Class != diff.Unknown && r.Class != diff.Blocked })
}

// Incomplete tells whether anything was left out that may pass by itself: a state that was not known.
func (p *Plan) Incomplete() bool {
	return slices.ContainsFunc(p.Refusals, func(r diff.Refusal) bool { return r.Class == diff.Unknown })
}

// Change finds the change of an instance, or nil.
func (p *Plan) Change(i schema.Instance) *Change {
	n, ok := slices.BinarySearchFunc(p.Changes, i, func(c *Change, i schema.Instance) int { return c.Instance.Compare(i) })
	if !ok {
		return nil
	}
	return p.Changes[n]
}

// lane finds a lane; lane 0 is none.
func (p *Plan) lane(id int) *Lane {
	if id < 1 || id > len(p.Lanes) {
		return nil
	}
	return &p.Lanes[id-1]
}

// ShortCommit is a commit as people name it: ten digits, after "dir:" for a directory; a dash for none.
func ShortCommit(commit string) string {
	hash, dir := strings.CutPrefix(commit, "dir:")
	switch {
	case commit == "":
		return "-"
	case dir:
		return fmt.Sprintf("dir:%.10s", hash)
	}
	return fmt.Sprintf("%.10s", commit)
}

// Package preview tells people what a request would do before it is merged: a plan of the merge result beside a plan of
// what the branch holds already, so that the request's own changes and what applying would also touch stand apart. It is
// pure, and its Markdown is safe to post: no value of the repository breaks out of where it stands.
package preview

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"slices"

	"plumbline/actuators"
	"plumbline/reconcile/diff"
	"plumbline/reconcile/plan"
	"plumbline/schema"
)

// Preview is what is told of a request.
type Preview struct {
	Base     string          // commit of the branch that the request is for
	Head     string          // commit of the request, or of its merge
	Problems schema.Problems // mistakes of the topology: then there is no plan
	Plan     *plan.Plan      // of everything that applying would do
	Own      []*plan.Change  // of these, what the request is the cause of; in the order of the plan
	Anyway   []*plan.Change  // and what the branch would do without it: drift, and what is pending
	Live     string          // digest of what the branch alone would do: it differs when the live state does
	Version  string          // of the program
}

// Live is the digest of a plan of the branch alone. What was looked at and what could not be stand in it, and no text.
func Live(base *plan.Plan) string {
	h := sha256.New()
	fmt.Fprintln(h, base.EffectDigest)
	for _, r := range base.Refusals {
		fmt.Fprintln(h, r.Instance, r.Class)
	}
	return fmt.Sprintf("%x", h.Sum(nil)[:16])
}

// Compare makes a preview of two plans over the same live state.
func Compare(base, request *plan.Plan) Preview {
	p := Preview{Base: base.Commit, Head: request.Commit, Plan: request, Live: Live(base)}
	for _, c := range request.InOrder() {
		if same(base.Change(c.Instance), c) {
			p.Anyway = append(p.Anyway, c)
		} else {
			p.Own = append(p.Own, c)
		}
	}
	return p
}

// same tells whether a change would be made with and without the request.
func same(base, request *plan.Change) bool {
	return base != nil && base.Action == request.Action && slices.EqualFunc(base.Steps, request.Steps, func(a, b actuators.Step) bool {
		return a.Op == b.Op && a.Host == b.Host && bytes.Equal(a.Params, b.Params)
	})
}

// Verdict is a preview in a word.
type Verdict string

// The verdicts.
const (
	Invalid   Verdict = "invalid"    // the topology has mistakes
	Refused   Verdict = "refused"    // a rule, a limit or the state of things is against it
	Unknown   Verdict = "incomplete" // not everything could be looked at
	Waiting   Verdict = "unapproved" // nothing is against it, and not enough people agreed yet
	Nothing   Verdict = "no changes"
	Applyable Verdict = "ready"
)

// Verdict judges the request as a whole.
func (p Preview) Verdict() Verdict {
	switch {
	case len(p.Problems) > 0:
		return Invalid
	case len(p.against()) > 0:
		return Refused
	case len(p.Plan.Refusals) > 0:
		return Unknown
	case p.Plan.Refused():
		return Waiting
	case len(p.Own) == 0:
		return Nothing
	}
	return Applyable
}

// against lists what is refused for another reason than an unknown state or missing approvals.
func (p Preview) against() (all []diff.Refusal) {
	for _, r := range p.Plan.Refusals {
		if r.Class != diff.Unknown && r.Class != diff.Blocked {
			all = append(all, r)
		}
	}
	return all
}

// Risk is what a person has to know before anything else.
type Risk struct {
	Felt      []string `json:"felt,omitempty"`      // "vm/payroll@jino0: restart"
	Removed   []string `json:"removed,omitempty"`   // instances that are taken away, and stay for a time
	Destroyed []string `json:"destroyed,omitempty"` // instances of which nothing stays
	Final     []string `json:"final,omitempty"`     // steps that cannot be undone
	Self      []string `json:"self,omitempty"`      // instances that the controller stands on: changed last, each alone
	Cuts      []string `json:"cuts,omitempty"`      // steps that can cut the way to their host, and are taken back unless confirmed
}

// Empty tells whether there is nothing to warn of.
func (r Risk) Empty() bool {
	return len(r.Felt)+len(r.Removed)+len(r.Destroyed)+len(r.Final)+len(r.Self)+len(r.Cuts) == 0
}

// Risk gathers the risks of everything that applying would do, also of what the request is not the cause of.
func (p Preview) Risk() Risk {
	var r Risk
	for _, c := range slices.Concat(p.Own, p.Anyway) {
		name := c.Instance.String()
		switch c.Action {
		case actuators.Retire:
			r.Removed = append(r.Removed, name)
		case actuators.Purge, actuators.Replace:
			r.Destroyed = append(r.Destroyed, name)
		}
		if c.Self && len(c.Steps) > 0 {
			r.Self = append(r.Self, name)
		}
		for _, s := range c.Steps {
			if s.Disruptive != "" {
				r.Felt = append(r.Felt, name+": "+s.Disruptive)
			}
			if s.Reversal == actuators.NoReversal {
				r.Final = append(r.Final, name+": "+s.Summary)
			}
			if s.Confirm > 0 {
				r.Cuts = append(r.Cuts, name+": "+s.Summary)
			}
		}
	}
	r.Felt = slices.Compact(r.Felt)
	return r
}

package preview

import (
	"cmp"
	"fmt"
	"strings"

	"plumbline/reconcile/diff"
	"plumbline/reconcile/plan"
)

// Ruling is what the rules say of a request.
type Ruling int

// The rulings. Unjudged: it has mistakes, or nothing at all could be planned.
const (
	Unjudged Ruling = iota
	Allowed
	Lacking // approvals
	Denied
)

// ruled are the classes of refusal that a rule of people is behind.
var ruled = map[diff.Class]string{diff.Denied: "a policy", diff.Limit: "a limit", diff.Closed: "a change window", diff.Protected: "protection", diff.Refused: "a rule"}

// Ruling tells what the rules say, and why in a line of plain text.
func (p Preview) Ruling() (Ruling, string) {
	if len(p.Problems) > 0 || p.Plan == nil {
		return Unjudged, "not judged: the topology has mistakes"
	}
	for _, r := range p.against() {
		if word := ruled[r.Class]; word != "" {
			return Denied, fmt.Sprintf("%s is against it: %s", word, plain(r.Instance.String()))
		}
	}
	text := "nothing is against it"
	for _, l := range p.Plan.Lanes {
		for _, a := range l.Agreed {
			text = fmt.Sprintf("%s for %s", counted(a), plain(a.Rule))
			if a.Lacks() {
				return Lacking, text
			}
		}
		if l.Unapproved { // enough did, and nobody knows who wrote it
			return Lacking, "approvals cannot be counted"
		}
	}
	return Allowed, text
}

func counted(a plan.Agreement) string { return fmt.Sprintf("%d of %d approvals", len(a.Names), a.Need) }

// approvals tells of each rule that wants some how many people agreed to which effect, and how others do.
func (g *page) approvals(p Preview) {
	n := 0
	for _, l := range p.Plan.Lanes {
		for _, a := range l.Agreed {
			if n++; n == 1 {
				g.line("\n**Approvals**\n")
			}
			if n > mostRisks && g.detail != whole {
				continue
			}
			by := ""
			if len(a.Names) > 0 {
				by = " by " + code(strings.Join(a.Names, ", "))
			}
			g.line("- %s%s, wanted by %s (%s) for %s", counted(a), by, code(a.Rule), code(a.Pos.String()), g.objects(l))
			if a.Lacks() {
				g.line("  Whoever of %s did not write it agrees by a signed commit on this branch: %s", code(strings.Join(a.Of, ", ")),
					code(fmt.Sprintf("git commit --allow-empty -S -m Approve --trailer \"Plumb-Approve: %s\"", l.EffectDigest)))
			}
		}
	}
	if n > mostRisks && g.detail != whole {
		g.line("- %d more", n-mostRisks)
	}
}

// held tells what would wait for another reason: an effect that failed before.
func (g *page) held(p Preview) {
	n := 0
	for _, l := range p.Plan.Lanes {
		if l.Held == "" || l.Unapproved && lacks(l) {
			continue
		}
		if n++; n == 1 {
			g.line("\n**Held**\n")
		}
		if n <= mostRisks || g.detail == whole {
			g.line("- %s: %s", g.objects(l), code(g.clip(l.Held)))
		}
	}
	if n > mostRisks && g.detail != whole {
		g.line("- %d more", n-mostRisks)
	}
}

func lacks(l plan.Lane) bool {
	for _, a := range l.Agreed {
		if a.Lacks() {
			return true
		}
	}
	return false
}

// objects names the first few of a lane.
func (g *page) objects(l plan.Lane) string {
	const most = 3
	var names []string
	for n, i := range l.Objects {
		if n == most {
			names = append(names, fmt.Sprintf("%d more", len(l.Objects)-n))
			break
		}
		names = append(names, code(i.String()))
	}
	return cmp.Or(strings.Join(names, ", "), "nothing")
}

package schema

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// ignoring is the field of a topology that holds rules about drift beside the kinds.
const ignoring = "ignore"

// IgnoreMost is how far ahead a rule that is not permanent may end.
const IgnoreMost = 90 * 24 * time.Hour

// IgnoreMode says what a rule does.
type IgnoreMode string

// The modes.
const (
	Mute     IgnoreMode = "mute"     // drift that is told to nobody
	Unmanage IgnoreMode = "unmanage" // no difference at all
)

// Ignore is a rule about drift, as #Ignore says it.
type Ignore struct {
	Name    string     `json:"name"`
	Match   string     `json:"match"`
	Mode    IgnoreMode `json:"mode"`
	Reason  string     `json:"reason"`
	Owner   string     `json:"owner"`
	Expires time.Time  `json:"expires,omitzero"` // the first instant at which it counts no more; zero: never
	Pos     Pos        `json:"pos"`
}

// Active tells whether the rule counts still.
func (r *Ignore) Active(now time.Time) bool { return r.Expires.IsZero() || now.Before(r.Expires) }

// Whole tells whether the rule is about whole objects, also ones that are gone.
func (r *Ignore) Whole() bool { return strings.Count(r.Match, "/") == 1 }

// About tells whether the rule is about an instance, or some of its fields.
func (r *Ignore) About(i Instance) bool {
	parts := strings.SplitN(r.Match, "/", 3)
	name, host, bound := strings.Cut(parts[1], "@")
	return wild(parts[0], i.ID.Kind()) && wild(name, i.ID.Name()) && (!bound || wild(host, i.Host))
}

// Field tells whether a rule that is about an instance covers one of its fields.
func (r *Ignore) Field(path string) bool {
	return r.Whole() || wild(strings.SplitN(r.Match, "/", 3)[2], path)
}

// wild tells whether a text fits a pattern in which "*" is any text.
func wild(pattern, text string) bool {
	first, rest, any := strings.Cut(pattern, "*")
	if !any {
		return pattern == text
	}
	if !strings.HasPrefix(text, first) {
		return false
	}
	for n := len(first); n <= len(text); n++ {
		if wild(rest, text[n:]) {
			return true
		}
	}
	return false
}

// rulesOf is where rules stand among sorted declarations.
func rulesOf(all []Declaration) (from, to int) {
	of := func(id ID) int {
		n, _ := slices.BinarySearchFunc(all, id, func(d Declaration, id ID) int { return strings.Compare(string(d.ID), string(id)) })
		return n
	}
	return of(ignoring + "/"), of(ignoring + "0") // the character after the slash
}

// ignore enters rules, sorted by name.
func (r *resolver) ignore(declarations []Declaration, now time.Time) {
	for n, d := range declarations {
		if n > 0 && declarations[n-1].ID == d.ID || d.Spec == nil {
			if n > 0 && declarations[n-1].ID == d.ID && !sameDeclaration(declarations[n-1], d) {
				r.report(Problem{Pos: d.Pos, Object: d.ID, Text: "a rule of this name is in two packages", Also: []Pos{declarations[n-1].Pos}, Remedy: "give one of them another name"})
			}
			continue
		}
		rule, text, remedy := readIgnore(d, now)
		if text != "" {
			r.report(Problem{Pos: d.Pos, Object: d.ID, Text: text, Remedy: remedy})
			continue
		}
		r.ignores = append(r.ignores, rule)
	}
}

// readIgnore reads one rule, or tells what is wrong with it.
func readIgnore(d Declaration, now time.Time) (rule Ignore, text, remedy string) {
	var fields struct {
		Ignore
		Expires   string `json:"expires"`
		Permanent bool   `json:"permanent"`
	}
	if err := json.Unmarshal(d.Spec, &fields); err != nil {
		return rule, "internal error: cannot read the rule: " + err.Error(), ""
	}
	rule = fields.Ignore
	rule.Name, rule.Pos = d.ID.Name(), d.Pos
	if fields.Permanent == (fields.Expires != "") {
		return rule, "a rule ends on a day, or says that it is permanent", `write expires: "` + now.UTC().AddDate(0, 0, 30).Format(time.DateOnly) + `", or permanent: true`
	}
	if fields.Permanent {
		return rule, "", ""
	}
	day, err := time.Parse(time.DateOnly, fields.Expires)
	switch {
	case err != nil:
		return rule, fmt.Sprintf("expires: %q is no day of the calendar", fields.Expires), "write it like 2026-12-31"
	case day.Sub(now) > IgnoreMost:
		return rule, fmt.Sprintf("expires: %s is more than 90 days ahead", fields.Expires), "choose an earlier day, or write permanent: true"
	}
	rule.Expires = day.AddDate(0, 0, 1)
	return rule, "", ""
}

// ignoreWarnings are the rules that do nothing: about nothing that is declared, or past their day.
func ignoreWarnings(g *Graph, now time.Time) (out []Problem) {
	for n := range g.Ignores {
		rule := &g.Ignores[n]
		p := Problem{Pos: rule.Pos, Object: MakeID(ignoring, rule.Name)}
		switch {
		case !rule.Active(now):
			p.Text = fmt.Sprintf("this rule of %s ran out at the end of %s: what it ignored is told again", rule.Owner, rule.Expires.AddDate(0, 0, -1).Format(time.DateOnly))
			p.Remedy = "take it out, or renew it"
		case !slices.ContainsFunc(g.Nodes, func(node *Node) bool { return rule.About(node.Instance) }):
			p.Text, p.Remedy = fmt.Sprintf("%q is about nothing that is declared", rule.Match), "correct the pattern, or take the rule out"
		default:
			continue
		}
		out = append(out, p)
	}
	return out
}

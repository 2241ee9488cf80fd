package schema

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// approve is the field of a topology that holds approvals beside the kinds.
const approve = "approve"

// Agreement is what an approval agrees to.
type Agreement string

// The agreements, as the fields of #Approvals.
const (
	ToPurge    Agreement = "purge"    // what was set aside is destroyed
	ToRecreate Agreement = "recreate" // what held data and is gone is made anew, empty
	ToAdopt    Agreement = "adopt"    // what held data and lost its mark is taken back
)

// Approval is one line of #Approvals.
type Approval struct {
	To     Agreement
	Object ID
	Effect string    // "sha256:…"
	Until  time.Time // the first instant at which it counts no more
	Pos    Pos
}

// Line is the CUE that agrees to an effect on an object up to the end of a day.
func (a Approval) Line() string {
	return fmt.Sprintf("approve: %s: %q: {effect: %q, until: %q}", a.To, a.Object, a.Effect, a.Until.Add(-time.Nanosecond).UTC().Format(time.DateOnly))
}

// Approval finds what people agreed to, or nil.
func (g *Graph) Approval(to Agreement, id ID) *Approval {
	n, ok := slices.BinarySearchFunc(g.Approvals, Approval{To: to, Object: id}, compareApprovals)
	if !ok {
		return nil
	}
	return &g.Approvals[n]
}

func compareApprovals(a, b Approval) int { return strings.Compare(string(a.id()), string(b.id())) }

// id tells approvals apart while they are evaluated.
func (a Approval) id() ID { return MakeID(approve, string(a.To)+"/"+string(a.Object)) }

// declarations takes the value of a name of a kind apart: one object, or an approval for each of its objects.
func (p *pack) declarations(id ID, spec json.RawMessage) []Declaration {
	var each map[string]json.RawMessage
	if id.Kind() != approve || json.Unmarshal(spec, &each) != nil {
		return []Declaration{{ID: id, Dir: p.dir, Pos: p.position(id, ""), Spec: spec}}
	}
	var out []Declaration
	for object, approval := range each {
		out = append(out, Declaration{
			ID: Approval{To: Agreement(id.Name()), Object: ID(object)}.id(), Dir: p.dir, Pos: p.position(id, joinPath([]string{object})), Spec: approval,
		})
	}
	return out
}

// approvalsOf is where approvals stand among sorted declarations.
func approvalsOf(all []Declaration) (from, to int) {
	of := func(kind string) int {
		n, _ := slices.BinarySearchFunc(all, ID(kind), func(d Declaration, id ID) int { return strings.Compare(string(d.ID), string(id)) })
		return n
	}
	return of(approve + "/"), of(approve + "0") // the character after the slash
}

// approve enters approvals, sorted. Two for the same thing are an error, as for objects.
func (r *resolver) approve(declarations []Declaration) {
	for n, d := range declarations {
		to, object, _ := strings.Cut(d.ID.Name(), "/")
		a := Approval{To: Agreement(to), Object: ID(object), Pos: d.Pos}
		if n > 0 && declarations[n-1].ID == d.ID {
			if first := declarations[n-1]; !sameDeclaration(first, d) {
				r.report(Problem{Pos: d.Pos, Object: MakeID(approve, to), Text: fmt.Sprintf("%s is approved in two packages", object), Also: []Pos{first.Pos}, Remedy: "keep one of the two"})
			}
			continue
		}
		if d.Spec == nil {
			continue // a problem tells why
		}
		if text, remedy := r.approval(&a, d.Spec); text != "" {
			r.report(Problem{Pos: d.Pos, Object: MakeID(approve, to), Text: text, Remedy: remedy})
			continue
		}
		r.approvals = append(r.approvals, a)
	}
}

// approval reads one, or tells what is wrong with it.
func (r *resolver) approval(a *Approval, spec json.RawMessage) (text, remedy string) {
	var fields struct{ Effect, Until string }
	if err := json.Unmarshal(spec, &fields); err != nil {
		return "internal error: cannot read the approval: " + err.Error(), ""
	}
	day, err := time.Parse(time.DateOnly, fields.Until)
	if err != nil {
		return fmt.Sprintf("until: %q is no day of the calendar", fields.Until), "write it like 2026-12-31"
	}
	a.Effect, a.Until = fields.Effect, day.AddDate(0, 0, 1)
	if _, known := r.kinds.Info(a.Object.Kind()); !known || a.Object.Name() == "" {
		return fmt.Sprintf("%q is no object", a.Object), `write kind and name, such as "volume/payroll-disk"`
	}
	return "", ""
}

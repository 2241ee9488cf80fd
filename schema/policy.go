package schema

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/cuecontext"
)

// Verdict is what a rule of a policy says of a plan, or of one of its changes.
type Verdict struct {
	Rule    string `json:"rule"`
	Pos     Pos    `json:"pos"`
	Deny    bool   `json:"deny,omitempty"` // else it only warns
	Text    string `json:"text"`
	Address string `json:"address,omitempty"` // of the change; "" = the plan as a whole
}

// Judge holds a plan, in its JSON form, against the rules of policy files. Each file stands alone:
//
//	rule: "no-restart": {match: {type: "vm", change: actions: ["update"]}, deny: "text"}
//
// A rule is about each of resource_changes, or with `over: "plan"` about the document. It matches what unifies with `match`
// and gains nothing by it: every field of the pattern is there and fits. The error is Problems for mistakes in the files.
func Judge(ctx context.Context, evaluator Evaluator, files map[string][]byte, plan []byte) ([]Verdict, error) {
	out, err := evaluator.Evaluate(ctx, Source{Files: files, Plan: plan})
	if err == nil && len(out.Problems) > 0 {
		err = Problems(out.Problems)
	}
	return out.Verdicts, err
}

// judging is one Judge, in the process that evaluates.
type judging struct {
	ctx      *cue.Context
	plan     cue.Value
	changes  []cue.Value
	problems Problems
	verdicts []Verdict
	known    map[string]Pos
}

// judge answers a Source that holds a plan.
func judge(src Source) Evaluation {
	j := &judging{ctx: cuecontext.New(), known: map[string]Pos{}}
	j.plan = j.ctx.CompileBytes(src.Plan)
	if changes, err := j.plan.LookupPath(cue.ParsePath("resource_changes")).List(); err == nil {
		for changes.Next() {
			j.changes = append(j.changes, changes.Value())
		}
	}
	for _, name := range slices.Sorted(maps.Keys(src.Files)) {
		j.file(src, name)
	}
	return Evaluation{Verdicts: j.verdicts, Problems: j.problems.Sort()}
}

func (j *judging) wrong(pos Pos, format string, args ...any) {
	j.problems = append(j.problems, Problem{Pos: pos, Text: fmt.Sprintf(format, args...), Remedy: `write it like rule: NAME: {match: {type: "vm"}, deny: "why"}`})
}

func (j *judging) file(src Source, name string) {
	file := j.ctx.CompileBytes(src.Files[name], cue.Filename(name))
	if err := file.Validate(); err != nil {
		j.problems = append(j.problems, (&translator{src: src}).translate(err)...)
		return
	}
	declared := file.LookupPath(cue.ParsePath("rule"))
	rules, err := declared.Fields()
	if err != nil || !declared.Exists() {
		j.wrong(Pos{File: name}, "this policy has no rule")
		return
	}
	for rules.Next() {
		j.rule(name, rules.Selector().Unquoted(), rules.Value())
	}
}

func (j *judging) rule(file, name string, value cue.Value) {
	v := Verdict{Rule: name, Pos: userPos(value.Pos())}
	if v.Pos.IsZero() {
		v.Pos.File = file
	}
	if first, twice := j.known[name]; twice {
		j.wrong(v.Pos, "rule %q is declared at %s, too", name, first)
		return
	}
	j.known[name] = v.Pos
	over, pattern := "change", cue.Value{}
	fields, err := value.Fields(cue.Optional(true))
	for err == nil && fields.Next() {
		var text string
		switch field := fields.Selector().Unquoted(); field {
		case "match":
			pattern = fields.Value()
		case "over":
			over, err = fields.Value().String()
		case "deny", "warn":
			text, err = fields.Value().String()
			if v.Text != "" || err == nil && text == "" {
				j.wrong(v.Pos, "rule %q has to say deny or warn, once, with a text", name)
				return
			}
			v.Text, v.Deny = text, field == "deny"
		default:
			j.wrong(v.Pos, "rule %q: unknown field %q; known here: match, over, deny, warn", name, field)
			return
		}
	}
	switch {
	case err != nil:
		j.wrong(v.Pos, "rule %q cannot be read: %v", name, err)
	case !pattern.Exists():
		j.wrong(v.Pos, "rule %q does not say what it matches", name)
	case v.Text == "":
		j.wrong(v.Pos, "rule %q says neither deny nor warn", name)
	case over == "plan":
		if matches(pattern, j.plan) {
			j.verdicts = append(j.verdicts, v)
		}
	case over == "change":
		j.each(v, pattern)
	default:
		j.wrong(v.Pos, "rule %q: over: %q is neither \"change\" nor \"plan\"", name, over)
	}
}

func (j *judging) each(v Verdict, pattern cue.Value) {
	for _, change := range j.changes {
		if matches(pattern, change) {
			v.Address, _ = change.LookupPath(cue.ParsePath("address")).String()
			j.verdicts = append(j.verdicts, v)
		}
	}
}

// matches tells whether a value has all that a pattern names, and it fits.
func matches(pattern, value cue.Value) bool {
	both := pattern.Unify(value)
	return both.Validate(cue.Concrete(true)) == nil && value.Equals(both)
}

// emptyPlan is what policies are held against to find mistakes in them.
var emptyPlan = json.RawMessage(`{"resource_changes":[]}`)

// CheckPolicies finds mistakes in policy files; the error is Problems.
func CheckPolicies(ctx context.Context, evaluator Evaluator, files map[string][]byte) error {
	_, err := Judge(ctx, evaluator, files, emptyPlan)
	return err
}

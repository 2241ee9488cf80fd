package plan

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"plumbline/actuators"
	"plumbline/reconcile/diff"
)

// Style colours text on a terminal. The zero Style leaves it plain.
type Style struct {
	Color bool
	Steps bool // list every step in order, too
}

var colors = map[actuators.Action]string{
	actuators.Create: "32", actuators.Update: "33", actuators.Migrate: "35", actuators.Replace: "35", actuators.Adopting: "36",
	actuators.Restore: "32", actuators.Retire: "31", actuators.Purge: "1;31",
}

func (s Style) paint(code, text string) string {
	if !s.Color || code == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// WriteText shows the plan to a person.
func (p *Plan) WriteText(w io.Writer, style Style) error {
	t := &text{Writer: w, style: style, plan: p}
	t.header()
	t.changes()
	t.steps()
	t.external()
	t.refusals()
	t.notes()
	t.footer()
	return t.err
}

type text struct {
	io.Writer
	style Style
	plan  *Plan
	err   error
}

func (t *text) line(format string, args ...any) {
	if t.err == nil {
		_, t.err = fmt.Fprintf(t, format+"\n", args...)
	}
}

func (t *text) header() {
	if t.plan.Empty() && len(t.plan.Refusals) == 0 {
		t.line("Nothing to do: what is live is what %s declares.", short(t.plan.Commit))
		return
	}
	t.line("Plan for %s: %s", short(t.plan.Commit), t.plan.Summary())
	t.line("")
}

// Summary counts the actions, objects and steps in a line: "2 to create, 1 to update; 7 steps in 2 lanes".
func (p *Plan) Summary() string {
	counts := map[actuators.Action]int{}
	lanes := map[int]bool{}
	for _, c := range p.Changes {
		if len(c.Steps) > 0 {
			counts[c.Action]++
			lanes[c.Lane] = true
		}
	}
	var parts []string
	for a := actuators.Create; a <= actuators.Purge; a++ {
		if counts[a] > 0 {
			parts = append(parts, fmt.Sprintf("%d to %s", counts[a], a))
		}
	}
	if len(parts) == 0 {
		parts = append(parts, "no change")
	}
	text := fmt.Sprintf("%s; %s in %s", strings.Join(parts, ", "), count(len(p.Steps), "step"), count(len(lanes), "lane"))
	if n := len(p.Refusals); n > 0 {
		text += fmt.Sprintf("; %d refused", n)
	}
	return text
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func (t *text) changes() {
	width := 0
	for _, c := range t.plan.Changes {
		if len(c.Steps) > 0 {
			width = max(width, utf8.RuneCountInString(c.Instance.String()))
		}
	}
	for _, c := range t.plan.Changes {
		if len(c.Steps) > 0 {
			t.change(c, width)
		}
	}
}

func (t *text) change(c *Change, width int) {
	disruptive := disruption(c.Steps)
	mark := " "
	if disruptive != "" {
		mark = t.style.paint("1;31", "!")
	}
	held := ""
	if lane := t.plan.lane(c.Lane); lane != nil && lane.Held != "" {
		held = "  held: " + lane.Held
	}
	t.line("%s %s %-*s  %s%s", mark, t.style.paint(colors[c.Action], c.Action.Glyph()), width, c.Instance, t.style.paint("2", c.Pos.String()), held)
	for _, change := range c.Diff.Changes {
		t.line("        %s", t.field(c, change))
	}
	if disruptive != "" {
		t.line("        %s", t.style.paint("31", "users notice: "+disruptive))
	}
	for _, s := range c.Steps {
		if s.Reversal != actuators.Exact {
			t.line("        %s", t.style.paint("2", fmt.Sprintf("%s: %s", s.Summary, reversals[s.Reversal])))
		}
	}
}

var reversals = map[actuators.Reversal]string{
	actuators.Compensate: "undone in function only",
	actuators.Kept:       "one-way, kept by a rollback",
	actuators.NoReversal: "cannot be undone",
}

func (t *text) field(c *Change, f actuators.Change) string {
	from, to := show(f.From), show(f.To)
	var text string
	switch {
	case f.From == nil:
		text = fmt.Sprintf("%s  %s", f.Path, to)
	case f.To == nil:
		text = fmt.Sprintf("%s  %s → nothing", f.Path, from)
	default:
		text = fmt.Sprintf("%s  %s → %s", f.Path, from, to)
	}
	if f.Effect != "" && f.Effect != actuators.EffectLive && c.Action != actuators.Create {
		text += "  (" + string(f.Effect) + ")"
	}
	return text
}

// show prints a value as people write it: strings bare, lists and structs as JSON.
func show(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(data)
}

func disruption(steps []actuators.Step) string {
	var all []string
	for _, s := range steps {
		if s.Disruptive != "" && !slices.Contains(all, s.Disruptive) {
			all = append(all, s.Disruptive)
		}
	}
	return strings.Join(all, ", ")
}

func (t *text) steps() {
	if !t.style.Steps || t.plan.Empty() {
		return
	}
	t.line("\nSteps in order:")
	for i, s := range t.plan.Steps {
		t.line("  %3d  lane %d  %s: %s", i+1, s.Lane, s.Instance, s.Summary)
	}
}

func (t *text) external() {
	for i, e := range t.plan.External {
		if i == 0 && !t.plan.Empty() {
			t.line("\nFrom outside this topology:")
		}
		if !t.plan.Empty() {
			t.line("  %s needs %s", e.Instance, e.Fact)
		}
	}
}

func (t *text) refusals() {
	if len(t.plan.Refusals) == 0 {
		return
	}
	t.line("\nRefused:")
	for _, r := range t.plan.Refusals {
		t.line("  %s: %s: %s: %s", r.Pos, r.Instance, t.style.paint("31", string(r.Class)), r.Text)
	}
}

func (t *text) notes() {
	for i, n := range t.plan.Notes {
		if i == 0 {
			t.line("\nNotes:")
		}
		t.line("  %s: %s", n.Instance, n.Text)
	}
}

func (t *text) footer() {
	if !t.plan.Empty() {
		t.line("\n%s", t.style.paint("2", "effect "+t.plan.EffectDigest))
	}
}

func (p *Plan) lane(id int) *Lane {
	for i := range p.Lanes {
		if p.Lanes[i].ID == id {
			return &p.Lanes[i]
		}
	}
	return nil
}

// Refused tells whether anything is frozen for another reason than an unknown state.
func (p *Plan) Refused() bool {
	return slices.ContainsFunc(p.Refusals, func(r diff.Refusal) bool { return r.Class != diff.Unknown })
}

func short(commit string) string {
	if len(commit) == 40 {
		return commit[:10]
	}
	return commit
}

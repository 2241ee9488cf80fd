package plan

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"plumbline/actuators"
	"plumbline/schema"
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

const (
	faint = "2"
	loud  = "1;31"
)

func (s Style) paint(code, text string) string {
	if !s.Color || code == "" || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// WriteText shows the plan to a person: what people feel first, then the changes in the order in which they are made, then
// what does not happen and why.
func (p *Plan) WriteText(w io.Writer, style Style) error {
	t := &text{Writer: w, style: style, plan: p}
	t.header()
	t.risks()
	t.changes()
	t.steps()
	t.external()
	t.refusals()
	t.notes()
	t.windows()
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
		t.line("Nothing to do: what is live is what %s declares.", ShortCommit(t.plan.Commit))
		return
	}
	t.line("Plan for %s: %s", ShortCommit(t.plan.Commit), t.plan.Summary())
	if t.plan.Suspended != "" {
		t.line("%s", t.style.paint(loud, "! nothing is changed now: "+t.plan.Suspended))
	}
	if age := t.plan.CreatedAt.Sub(t.plan.ObservedAt); !t.plan.ObservedAt.IsZero() && age >= viewOld {
		t.line("What it compares with was seen up to %s before.", age.Round(time.Second))
	}
}

// viewOld is the age of what a plan compares with that is worth a line.
const viewOld = 2 * time.Second

// Summary counts the actions, steps and lanes in a line: "2 to create, 1 to update; 7 steps in 2 lanes".
func (p *Plan) Summary() string {
	counts := map[actuators.Action]int{}
	for _, c := range p.Changes {
		if len(c.Steps) > 0 {
			counts[c.Action]++
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
	text := strings.Join(parts, ", ")
	if !p.Empty() {
		text += fmt.Sprintf("; %s in %s", count(len(p.Steps), "step"), count(len(p.Lanes), "lane"))
	}
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

// risks tells first what users feel and what cannot be taken back.
func (t *text) risks() {
	var felt, final []string
	for _, c := range t.plan.InOrder() {
		if d := c.Disruption(); d != "" {
			felt = append(felt, fmt.Sprintf("%s (%s)", c.Instance, d))
		}
		if slices.ContainsFunc(c.Steps, func(s actuators.Step) bool { return s.Reversal == actuators.NoReversal }) {
			final = append(final, c.Instance.String())
		}
	}
	if len(felt) > 0 {
		t.line("%s", t.style.paint(loud, "! users notice: "+some(felt, 6)))
	}
	if len(final) > 0 {
		t.line("%s", t.style.paint(loud, "! cannot be undone: "+some(final, 6)))
	}
}

// some joins the first parts and counts the rest.
func some(parts []string, most int) string {
	if len(parts) > most {
		parts = append(slices.Clone(parts[:most]), fmt.Sprintf("%d more", len(parts)-most))
	}
	return strings.Join(parts, ", ")
}

// InOrder is the changes that have steps, in the order of their first one.
func (p *Plan) InOrder() []*Change {
	var out []*Change
	seen := map[schema.Instance]bool{}
	for _, s := range p.Steps {
		if !seen[s.Instance] {
			seen[s.Instance] = true
			if c := p.Change(s.Instance); c != nil {
				out = append(out, c)
			}
		}
	}
	return out
}

func (t *text) changes() {
	all := t.plan.InOrder()
	width := 0
	for _, c := range all {
		width = max(width, utf8.RuneCountInString(c.Instance.String()))
	}
	for n, c := range all {
		if n == 0 {
			t.line("")
		}
		t.change(c, width)
	}
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

// external lists what the changed objects need from outside.
func (t *text) external() {
	first := true
	for _, e := range t.plan.External {
		if c := t.plan.Change(e.Instance); c == nil || len(c.Steps) == 0 {
			continue
		}
		if first {
			t.line("\nFrom outside this topology:")
			first = false
		}
		t.line("  %s needs %s", e.Instance, e.Fact)
	}
}

func (t *text) refusals() {
	for n, r := range t.plan.Refusals {
		if n == 0 {
			t.line("\nRefused:")
		}
		t.line("  %s: %s: %s: %s", r.Pos, r.Instance, t.style.paint("31", string(r.Class)), r.Text)
	}
}

func (t *text) notes() {
	for n, note := range t.plan.Notes {
		if n == 0 {
			t.line("\nNotes:")
		}
		t.line("  %s: %s", note.Instance, note.Text)
	}
}

// windows says which change windows are active, where they are declared, and when that changes.
func (t *text) windows() {
	for n, line := range t.plan.Windows {
		if n == 0 {
			t.line("\nChange windows:")
		}
		t.line("  %s", line)
	}
}

func (t *text) footer() {
	if !t.plan.Empty() {
		t.line("\n%s", t.style.paint(faint, "effect "+t.plan.EffectDigest))
	}
}

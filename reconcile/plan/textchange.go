package plan

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"plumbline/actuators"
)

// linesOfOne is how many lines tell one change; the rest is counted.
const linesOfOne = 6

// change shows one change. What exists is told by its fields, from and to; what comes and goes by what is done, in the
// words of its kind: of a new thing every field is new, and only some matter.
func (t *text) change(c *Change, width int) {
	mark := " "
	if c.Disruption() != "" {
		mark = t.style.paint(loud, "!")
	}
	tail := t.style.paint(faint, c.Pos.String())
	if len(t.plan.Lanes) > 1 {
		tail += t.style.paint(faint, fmt.Sprintf("  lane %d", c.Lane))
	}
	if lane := t.plan.lane(c.Lane); lane != nil && lane.Self {
		tail += "  last and alone: the controller stands on it"
	}
	if lane := t.plan.lane(c.Lane); lane != nil && lane.Held != "" {
		tail += "  held: " + lane.Held
	}
	t.line("%s %s %-*s  %s", mark, t.style.paint(colors[c.Action], c.Action.Glyph()), width, c.Instance, tail)
	lines := told(c)
	for n, line := range lines {
		if n == linesOfOne-1 && len(lines) > linesOfOne {
			t.line("        %s", t.style.paint(faint, fmt.Sprintf("… %d more", len(lines)-n)))
			break
		}
		t.line("        %s", line)
	}
}

func told(c *Change) []string {
	var lines []string
	if c.Was != "" {
		lines = append(lines, "moved from "+string(c.Was))
	}
	for _, s := range c.Steps {
		if s.Op == actuators.OpRename {
			lines = append(lines, s.Summary+remarks(s))
		}
	}
	byFields := c.Action != actuators.Create && !c.Action.Removes() && len(c.Diff.Changes) > 0
	if byFields {
		for _, f := range c.Diff.Changes {
			lines = append(lines, Field(f))
		}
	}
	for _, s := range c.Steps {
		remark := remarks(s)
		if byFields && remark == "" || s.Op == actuators.OpRename {
			continue
		}
		lines = append(lines, s.Summary+remark)
	}
	return slices.Compact(lines)
}

var reversals = map[actuators.Reversal]string{
	actuators.Compensate: "undone in function only",
	actuators.Kept:       "one-way, kept by a rollback",
	actuators.NoReversal: "cannot be undone",
}

// remarks are what is special about a step: how it is undone, what users feel, how long others wait for it.
func remarks(s actuators.Step) string {
	var parts []string
	if s.Disruptive != "" {
		parts = append(parts, "users notice: "+s.Disruptive)
	}
	if text := reversals[s.Reversal]; text != "" {
		parts = append(parts, text)
	}
	if s.Op == "retire" { // the word of all kinds for setting aside
		parts = append(parts, "kept: restored if it is declared again")
	}
	if s.Confirm > 0 {
		parts = append(parts, fmt.Sprintf("undone by the host unless confirmed within %s", span(s.Confirm)))
	}
	if s.Hold > 0 {
		parts = append(parts, fmt.Sprintf("what comes after it waits %s", span(s.Hold)))
	}
	if len(parts) == 0 {
		return ""
	}
	return "  (" + strings.Join(parts, "; ") + ")"
}

// span is a duration without the parts that are zero: "1m", "1m30s".
func span(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// Field is a changed field in a line: "size  64Mi → 128Mi".
func Field(f actuators.Change) string {
	text := f.Path + "  "
	switch {
	case f.From == nil:
		text += show(f.To)
	case f.To == nil:
		text += show(f.From) + " → nothing"
	default:
		text += show(f.From) + " → " + show(f.To)
	}
	if f.Effect != "" && f.Effect != actuators.EffectLive {
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

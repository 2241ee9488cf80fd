package preview

import (
	"fmt"
	"strings"
	"time"

	"plumbline/actuators"
	"plumbline/reconcile/plan"
)

// Marker begins the first line of each comment; it names what the rest of the line is about, for whoever looks for it.
const Marker = "<!-- plumb:preview v=1"

// detail is how much a comment tells of each change.
type detail int

const (
	whole  detail = iota // steps and fields of all
	few                  // what is taken away or felt in full, a line for each other one
	counts               // numbers by kind
)

// Markdown is the preview as a comment of at most limit bytes (0 = any). What does not fit is told shorter; verdict and
// risks are always whole.
func (p Preview) Markdown(limit int) string {
	var text string
	for d := whole; d <= counts; d++ {
		text = p.render(d)
		if limit <= 0 || len(text) <= limit {
			return text
		}
	}
	return cut(text, limit)
}

// cut shortens a text at the end of a line, outside of any fence: what is told at the level of counts has none.
func cut(text string, limit int) string {
	const rest = "\n… shortened: the plan in full is what `plumb plan` says.\n"
	if limit <= len(rest) {
		return text[:0]
	}
	text = text[:limit-len(rest)]
	return text[:strings.LastIndexByte(text, '\n')+1] + rest
}

// mostText is how long a text is that is not told whole, in bytes.
const mostText = 300

// clip shortens a text unless everything is told whole.
func (g *page) clip(text string) string {
	if g.detail == whole || len(text) <= mostText {
		return text
	}
	return strings.ToValidUTF8(text[:mostText], "") + " …"
}

type page struct {
	strings.Builder
	detail detail
}

func (g *page) line(format string, args ...any) { fmt.Fprintf(g, format+"\n", args...) }

func (p Preview) render(d detail) string {
	g := &page{detail: d}
	digest := ""
	if p.Plan != nil {
		digest = p.Plan.EffectDigest
	}
	g.line("%s head=%s base=%s effect=%s -->", Marker, word(p.Head), word(p.Base), word(digest))
	g.line("### plumb: %s", p.headline())
	if len(p.Problems) > 0 {
		g.problems(p)
		return g.String()
	}
	g.risks(p.Risk())
	g.refusals(p)
	g.approvals(p)
	g.held(p)
	g.changes("What this request changes", p.Own, p.Plan)
	g.changes("What applying would also touch: drift, or pending on the branch already", p.Anyway, p.Plan)
	g.notes(p)
	g.provenance(p)
	return g.String()
}

// Summary is the preview in a line of plain text.
func (p Preview) Summary() string {
	return strings.NewReplacer("*", "", "`", "").Replace(p.headline())
}

func (p Preview) headline() string {
	switch p.Verdict() {
	case Invalid:
		return fmt.Sprintf("**invalid**, %s", count(len(p.Problems), "mistake"))
	case Nothing:
		if len(p.Anyway) > 0 {
			return fmt.Sprintf("**no changes** by this request; %s pending or drifted on the branch", count(len(p.Anyway), "object"))
		}
		return "**no changes**"
	case Refused:
		return fmt.Sprintf("**refused**, %s", tally(p.Own, p.Anyway))
	case Waiting:
		return fmt.Sprintf("**waits for approvals**, %s", tally(p.Own, p.Anyway))
	case Unknown:
		return fmt.Sprintf("**incomplete**, for not everything could be looked at; %s", tally(p.Own, p.Anyway))
	}
	return tally(p.Own, p.Anyway)
}

// tally counts changes by glyph: "+3 ~2 -1, and 2 that applying would also touch".
func tally(own, anyway []*plan.Change) string {
	text := glyphs(own)
	if text == "" {
		text = "nothing by this request"
	}
	if len(anyway) > 0 {
		text += fmt.Sprintf(", and %d that applying would also touch", len(anyway))
	}
	return text
}

func glyphs(changes []*plan.Change) string {
	n := map[actuators.Action]int{}
	for _, c := range changes {
		n[c.Action]++
	}
	var parts []string
	for a := actuators.Create; a <= actuators.Purge; a++ {
		if n[a] > 0 {
			parts = append(parts, fmt.Sprintf("`%s%d`", a.Glyph(), n[a]))
		}
	}
	return strings.Join(parts, " ")
}

func (g *page) problems(p Preview) {
	g.line("\nNothing would be applied. Each line names its place and the way out.\n")
	lines := make([]string, 0, len(p.Problems))
	for _, problem := range p.Problems {
		lines = append(lines, g.clip(problem.String()))
	}
	if most := 20; g.detail != whole && len(lines) > most {
		lines = append(lines[:most], fmt.Sprintf("… %d more", len(lines)-most))
	}
	g.fence("", lines)
}

// mostRisks is how many of one sort are named; the others are counted.
const mostRisks = 10

func (g *page) risks(r Risk) {
	if r.Empty() {
		return
	}
	g.line("\n> [!WARNING]")
	for _, sort := range []struct {
		text  string
		items []string
	}{
		{"users notice", r.Felt}, {"is destroyed", r.Destroyed}, {"cannot be undone", r.Final},
		{"is taken away, and kept for a time", r.Removed}, {"can cut the way to its host, which takes it back unless it is confirmed", r.Cuts},
		{"the controller stands on it: changed last, alone, and taken back if it loses reach", r.Self},
	} {
		if len(sort.items) == 0 {
			continue
		}
		var names []string
		for n, item := range sort.items {
			if n == mostRisks {
				names = append(names, fmt.Sprintf("%d more", len(sort.items)-n))
				break
			}
			names = append(names, code(g.clip(item)))
		}
		g.line("> - **%s**: %s", sort.text, strings.Join(names, ", "))
	}
}

func (g *page) refusals(p Preview) {
	all := p.Plan.Refusals
	if len(all) == 0 {
		return
	}
	g.line("\n**Not done, and why**\n")
	for n, r := range all {
		if n == mostRisks && g.detail != whole {
			g.line("- %d more", len(all)-n)
			break
		}
		g.line("- %s %s, %s: %s", code(r.Pos.String()), code(r.Instance.String()), r.Class, code(g.clip(r.Text)))
	}
}

func (g *page) changes(title string, changes []*plan.Change, p *plan.Plan) {
	if len(changes) == 0 {
		return
	}
	g.line("\n**%s**\n", title)
	if g.detail == counts {
		g.kinds(changes)
		return
	}
	g.line("| | object | what is done | users notice | undone |\n| --- | --- | --- | --- | --- |")
	for _, c := range changes {
		g.line("| `%s` | %s | %s | %s | %s |", c.Action.Glyph(), cell(c.Instance.String()), g.does(c), cell(c.Disruption()), undone(c))
	}
	if g.detail == whole {
		g.fields(changes)
	}
}

func (g *page) does(c *plan.Change) string {
	most := len(c.Steps)
	if g.detail != whole && c.Disruption() == "" && !c.Action.Removes() {
		most = 1
	}
	var parts []string
	if c.Was != "" {
		parts = append(parts, "moved from "+code(string(c.Was)))
	}
	for _, s := range c.Steps[:most] {
		parts = append(parts, cell(s.Summary))
	}
	if n := len(c.Steps) - most; n > 0 {
		parts = append(parts, fmt.Sprintf("%d more", n))
	}
	return strings.Join(parts, "<br>")
}

func (g *page) kinds(changes []*plan.Change) {
	by := map[string][]*plan.Change{}
	var order []string
	for _, c := range changes {
		kind := c.Instance.ID.Kind()
		if by[kind] == nil {
			order = append(order, kind)
		}
		by[kind] = append(by[kind], c)
	}
	for _, kind := range order {
		g.line("- %s: %s", kind, glyphs(by[kind]))
	}
}

// fields folds what changes in each object, from and to.
func (g *page) fields(changes []*plan.Change) {
	var lines []string
	for _, c := range changes {
		if c.Action == actuators.Create || c.Action.Removes() || len(c.Diff.Changes) == 0 {
			continue
		}
		lines = append(lines, plain(c.Instance.String())+"  "+plain(c.Pos.String()))
		for _, f := range c.Diff.Changes {
			lines = append(lines, "    "+plain(plan.Field(f)))
		}
	}
	if len(lines) == 0 {
		return
	}
	g.line("\n<details><summary>Fields</summary>\n")
	g.fence("", lines)
	g.line("\n</details>")
}

func (g *page) notes(p Preview) {
	for n, note := range p.Plan.Notes {
		if n == 0 {
			g.line("\n**Notes**\n")
		}
		if n == mostRisks && g.detail != whole {
			g.line("- %d more", len(p.Plan.Notes)-n)
			return
		}
		g.line("- %s: %s", code(note.Instance.String()), code(g.clip(note.Text)))
	}
}

func (g *page) provenance(p Preview) {
	g.line("\n<sub>%s over %s, seen %s, effect %s, plumb %s</sub>",
		code(plan.ShortCommit(p.Head)), code(plan.ShortCommit(p.Base)), seen(p.Plan).UTC().Format(time.RFC3339), code(fmt.Sprintf("%.19s", p.Plan.EffectDigest)), word(p.Version))
}

func seen(p *plan.Plan) time.Time {
	if p.ObservedAt.IsZero() {
		return p.CreatedAt
	}
	return p.ObservedAt
}

// undone says how a rollback would leave a change: by its weakest step.
func undone(c *plan.Change) string {
	worst, text := 0, "in full"
	for _, s := range c.Steps {
		switch {
		case s.Reversal == actuators.NoReversal && worst < 3:
			worst, text = 3, "**never**"
		case s.Reversal == actuators.Kept && worst < 2:
			worst, text = 2, "kept by a rollback"
		case s.Reversal == actuators.Compensate && worst < 1:
			worst, text = 1, "in function"
		}
	}
	return text
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

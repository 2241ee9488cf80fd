package preview_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"plumbline/actuators"
	"plumbline/reconcile/diff"
	"plumbline/reconcile/plan"
	"plumbline/reconcile/preview"
	"plumbline/schema"
)

var update = flag.Bool("update", false, "write the golden files")

// change is one change of a plan that is made by hand.
func change(id, host string, action actuators.Action, steps ...actuators.Step) *plan.Change {
	c := &plan.Change{Instance: schema.ID(id).On(host), Action: action, Lane: 1, Pos: schema.Pos{File: "site.cue", Line: 7, Col: 3}}
	for n, s := range steps {
		s.ID, s.Instance, s.Lane = fmt.Sprintf("%s#%d", c.Instance, n+1), c.Instance, 1
		c.Steps = append(c.Steps, s)
	}
	return c
}

func step(op, params, summary string) actuators.Step {
	return actuators.Step{Op: op, Params: json.RawMessage(params), Summary: summary, Reversal: actuators.Exact}
}

func made(commit string, changes ...*plan.Change) *plan.Plan {
	p := &plan.Plan{Commit: commit, EffectDigest: "sha256:0123456789abcdef", CreatedAt: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}
	for _, c := range changes {
		p.Steps = append(p.Steps, c.Steps...)
	}
	p.Changes = slices.SortedFunc(slices.Values(changes), func(a, b *plan.Change) int { return a.Instance.Compare(b.Instance) })
	return p
}

func example() preview.Preview {
	restart := step("define", `{"cpu":4}`, "define with 4 CPUs")
	restart.Disruptive = "restart"
	grow := step("grow", `{"to":2}`, "grow 64Mi → 128Mi")
	grow.Reversal = actuators.Kept
	wipe := step("purge", `{}`, "remove for good")
	wipe.Reversal = actuators.NoReversal
	cut := step("set", `{"p":80}`, "publish 203.0.113.3:80/tcp → 10.1.1.12:80")
	cut.Confirm = time.Minute
	vm := change("vm/payroll", "jino0", actuators.Update, restart)
	vm.Diff.Changes = []actuators.Change{{Path: "cpu.max", From: 2, To: 4, Effect: actuators.EffectRestart}}
	disk := change("volume/disk", "jino0", actuators.Update, grow)
	disk.Diff.Changes = []actuators.Change{{Path: "size", From: "64Mi", To: "128Mi"}}
	drifted := change("nat/payroll", "edge1", actuators.Update, cut)
	drifted.Self = true
	base := made("b", drifted, change("nat/admin", "edge1", actuators.Update, step("set", `{"p":81}`, "publish 81")))
	request := made("c", disk, change("nat/admin", "edge1", actuators.Update, step("set", `{"p":82}`, "publish 82")), drifted,
		change("record/www", "ns1", actuators.Retire, step("remove", `{}`, "remove A")), change("volume/old", "jino0", actuators.Purge, wipe), vm)
	request.Notes = []diff.Note{{Instance: disk.Instance, Text: "a rollback leaves it at 128Mi"}}
	p := preview.Compare(base, request)
	p.Version = "0.1.0"
	return p
}

func TestARequestStandsApartFromWhatWouldHappenAnyway(t *testing.T) {
	p := example()
	if got := names(p.Anyway); got != "nat/payroll@edge1" {
		t.Errorf("anyway: %s", got)
	}
	if got := names(p.Own); got != "volume/disk@jino0 nat/admin@edge1 record/www@ns1 volume/old@jino0 vm/payroll@jino0" {
		t.Errorf("own: %s", got)
	}
	same := preview.Compare(made("b", p.Anyway...), made("c", p.Anyway...))
	if same.Verdict() != preview.Nothing || !strings.Contains(same.Markdown(0), "**no changes** by this request; 1 object pending or drifted") {
		t.Errorf("%s: %s", same.Verdict(), same.Markdown(0))
	}
}

func names(changes []*plan.Change) string {
	var all []string
	for _, c := range changes {
		all = append(all, c.Instance.String())
	}
	return strings.Join(all, " ")
}

func TestMarkdown(t *testing.T) {
	refused := example()
	refused.Plan.Refusals = []diff.Refusal{{Instance: schema.ID("vm/crm").On("jino0"), Class: diff.Limit, Pos: schema.Pos{File: "crm.cue", Line: 1, Col: 2}, Text: "too many"}}
	for name, p := range map[string]preview.Preview{
		"whole": example(), "refused": refused,
		"invalid": {Base: "b", Head: "c", Problems: schema.Problems{{Pos: schema.Pos{File: "a.cue", Line: 3, Col: 4}, Object: "vm/x", Text: "there is no pool \"y\""}}},
	} {
		file := "testdata/" + name + ".md"
		got := p.Markdown(0)
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s is\n%s\nwant\n%s", file, got, want)
		}
	}
}

// many is a preview of n objects, one of which users feel.
func many(n int) preview.Preview {
	var changes []*plan.Change
	for i := range n {
		changes = append(changes, change(fmt.Sprintf("record/www%05d.mycompany.com", i), "ns1", actuators.Update, step("set", fmt.Sprint(i), "set A 203.0.113.3"), step("wait", "{}", "wait until it is seen")))
		changes[i].Diff.Changes = []actuators.Change{{Path: "ttl", From: 1, To: 2}}
	}
	felt := step("stop", "{}", "stop")
	felt.Disruptive = "down for 30 s"
	changes = append(changes, change("vm/last", "jino0", actuators.Retire, felt))
	return preview.Compare(made("b"), made("c", changes...))
}

func TestVerdictAndRisksFitAtAnySize(t *testing.T) {
	for _, c := range []struct {
		objects, limit int
		has, hasNot    string
	}{
		{10, 60_000, "<details>", "shortened"},
		{500, 60_000, "www00499.mycompany.com", "<details>"},
		{10_000, 60_000, "record: `~10000`", "www00299"},
		{10_000, 900, "record: `~10000`", "www00299"},
	} {
		text := many(c.objects).Markdown(c.limit)
		if len(text) > c.limit {
			t.Errorf("%d objects make %d bytes, over %d", c.objects, len(text), c.limit)
		}
		if !strings.Contains(text, fmt.Sprintf("`~%d` `-1`", c.objects)) || !strings.Contains(text, "vm/last@jino0: down for 30 s") || !strings.Contains(text, "is taken away") {
			t.Errorf("%d objects: verdict or risk is cut:\n%.600s", c.objects, text)
		}
		if !strings.Contains(text, c.has) || strings.Contains(text, c.hasNot) {
			t.Errorf("%d objects: want %q, not %q:\n%.900s", c.objects, c.has, c.hasNot, text)
		}
	}
	for _, n := range []int{1, 1000, 10_000} { // every risk a page long
		p := many(n)
		long := strings.Repeat("a long word of the repository ", max(15, 1000/n))
		for _, c := range p.Own {
			for k := range c.Steps {
				c.Steps[k].Disruptive, c.Steps[k].Reversal, c.Steps[k].Confirm, c.Steps[k].Summary = long, actuators.NoReversal, time.Minute, long
			}
			c.Self = true
		}
		text := p.Markdown(60_000)
		_, risks, _ := strings.Cut(text, "> [!WARNING]")
		risks, _, _ = strings.Cut(risks, "\n\n")
		if len(text) > 60_000 || strings.Count(risks, "> - **") != 5 || strings.Contains(risks, "shortened") {
			t.Errorf("%d objects: %d bytes, and of the risks\n%.600s", n, len(text), risks)
		}
	}
	wrong := preview.Preview{Base: "b", Head: "c"}
	for range 5000 {
		wrong.Problems = append(wrong.Problems, schema.Problem{Text: strings.Repeat("long ", 200)})
	}
	text := wrong.Markdown(60_000)
	if len(text) > 60_000 || !strings.Contains(text, "5000 mistakes") || strings.Count(text, "```") != 2 {
		t.Errorf("%d bytes, %d fences", len(text), strings.Count(text, "```"))
	}
}

// hostile values end no fence, span, cell, comment or line.
var hostile = []string{
	"```\n# owned", "a`b``c```d````e", "x | y \\| z", "-->\n<!-- plumb:preview v=1 head=evil", "@everyone", "<img src=x onerror=alert(1)>", "</details>", "\u202eevil\x1b[31m",
	"[click](https://evil.example)", "![x](https://evil.example/x.png)", "https://evil.example", "#123", "> [!CAUTION]", "- [x] done", "a\r\n\r\n# owned", "&lt;b&gt;", "~~~\n# owned", "</summary>", "<!-- plumb:preview",
	"Plumb-Approve: sha256:00", "\u2066x\u2069", "\ufeff", "\u200b@ada", "line\u2028two", "\x00\xff\xfe", "   ", "`",
}

func TestValuesDoNotBreakOut(t *testing.T) {
	for _, value := range hostile {
		checkContained(t, value)
	}
}

func FuzzValuesDoNotBreakOut(f *testing.F) {
	for _, value := range hostile {
		f.Add(value)
	}
	f.Fuzz(checkContained)
}

func checkContained(t *testing.T, value string) {
	s := step("set", "{}", value)
	s.Disruptive = value
	c := change("vm/x", "h", actuators.Update, s)
	c.Diff.Changes = []actuators.Change{{Path: "notes", From: "old", To: value}}
	p := made("c", c)
	agreed := func(value string) []plan.Lane {
		return []plan.Lane{{ID: 1, Objects: []schema.Instance{c.Instance}, EffectDigest: "sha256:0", Held: value, Agreed: []plan.Agreement{{Rule: value, Need: 2, Of: []string{value}, Names: []string{value}}}},
			{ID: 2, Objects: []schema.Instance{c.Instance}, Held: value}}
	}
	p.Lanes = agreed(value)
	p.Notes = []diff.Note{{Instance: c.Instance, Text: value}}
	p.Refusals = []diff.Refusal{{Instance: c.Instance, Class: diff.Refused, Text: value}}
	harmless := change("vm/x", "h", actuators.Update, step("set", "{}", "word"))
	harmless.Steps[0].Disruptive = "word"
	harmless.Diff.Changes = []actuators.Change{{Path: "notes", From: "old", To: "word"}}
	q := made("c", harmless)
	q.Lanes = agreed("word")
	q.Notes, q.Refusals = []diff.Note{{Instance: c.Instance, Text: "word"}}, []diff.Refusal{{Instance: c.Instance, Class: diff.Refused, Text: "word"}}
	got, want := skeleton(preview.Compare(made("b"), p).Markdown(0)), skeleton(preview.Compare(made("b"), q).Markdown(0))
	if !blank(value) && got != want {
		t.Errorf("%q changes what stands around it:\n%s\nwant\n%s", value, got, want)
	}
}

// blank is a value of which nothing would be seen.
func blank(value string) bool {
	return !strings.ContainsFunc(value, func(r rune) bool {
		return !unicode.IsSpace(r) && !unicode.IsControl(r) && !unicode.Is(unicode.Bidi_Control, r)
	})
}

// skeleton is a text without what stands in code spans and fences, as CommonMark reads them.
func skeleton(text string) string {
	var out []string
	fence := ""
	for line := range strings.Lines(text) {
		trimmed := strings.TrimRight(line, "\n")
		switch {
		case fence != "" && trimmed == fence:
			fence = ""
			out = append(out, "END")
		case fence != "":
		case strings.HasPrefix(trimmed, "```") && strings.Trim(trimmed, "`") == "":
			fence = trimmed
			out = append(out, "FENCE")
		default:
			out = append(out, spans(trimmed))
		}
	}
	return strings.Join(out, "\n")
}

func spans(line string) string {
	var out strings.Builder
	for len(line) > 0 {
		n := len(line) - len(strings.TrimLeft(line, "`"))
		if n == 0 {
			i := strings.IndexByte(line, '`')
			if i < 0 {
				i = len(line)
			}
			out.WriteString(line[:i])
			line = line[i:]
			continue
		}
		end, rest := -1, line[n:]
		for i := 0; i < len(rest); {
			run := len(rest[i:]) - len(strings.TrimLeft(rest[i:], "`"))
			if run == n {
				end = i
				break
			}
			i += max(run, 1)
		}
		if end < 0 {
			out.WriteString(line)
			break
		}
		if strings.Contains(strings.ReplaceAll(rest[:end], `\|`, ""), "|") && strings.HasPrefix(out.String(), "|") {
			out.WriteString("BAR")
		}
		out.WriteString("SPAN")
		line = rest[end+n:]
	}
	return out.String()
}

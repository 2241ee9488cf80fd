package diff_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"plumbline/reconcile/diff"
)

// What Git did not change and only differs live is left, but what a change stands on.
func TestAPushLeavesWhatOnlyDrifted(t *testing.T) {
	for name, tt := range map[string]struct {
		want, applied, live string
		changes, notes      string // of the push; words of a change: instance, action, steps
	}{
		"drift alone":         {"thing/a@h1=1", "thing/a@h1=1", "thing/a@h1=2", "", "thing/a@h1: it differs from what was applied: v"},
		"gone":                {"thing/a@h1=1", "thing/a@h1=1", "", "", "thing/a@h1: it is gone"},
		"a change":            {"thing/a@h1=2", "thing/a@h1=1", "thing/a@h1=1", "thing/a@h1:update:1", ""},
		"a change of drifted": {"thing/a@h1=2", "thing/a@h1=1", "thing/a@h1=3", "thing/a@h1:update:1", ""},
		"never applied":       {"thing/a@h1=2", "", "", "thing/a@h1:create:1", ""},
		"on another host":     {"thing/a@h1=1 thing/a@h2=1", "thing/a@h1=1 thing/a@h2=1", "thing/a@h1=2 thing/a@h2=1", "", "thing/a@h1: it differs"},
		"beside a change":     {"thing/a@h1=1 thing/b@h1=2", "thing/a@h1=1 thing/b@h1=1", "thing/a@h1=2 thing/b@h1=1", "thing/b@h1:update:1", "thing/a@h1: it differs"},
		"under a change": {"net/n@h1=1 thing/b@h1=2<net/n@h1", "net/n@h1=1 thing/b@h1=1<net/n@h1", "thing/b@h1=1",
			"net/n@h1:create:1 thing/b@h1:update:1", ""},
		"deep under what is new": {"net/n@h1=1 thing/m@h1=1<net/n@h1 thing/new@h1=1<thing/m@h1", "net/n@h1=1 thing/m@h1=1<net/n@h1", "thing/m@h1=1",
			"net/n@h1:create:1 thing/new@h1:create:1", ""},
		"over a change":                     {"net/n@h1=2 thing/b@h1=1<net/n@h1", "net/n@h1=1 thing/b@h1=1<net/n@h1", "net/n@h1=1", "net/n@h1:update:1", "thing/b@h1: it is gone"},
		"under what only moved in its file": {"net/n@h1=1 thing/b@h1=1<net/n@h1!moved", "net/n@h1=1 thing/b@h1=1<net/n@h1", "thing/b@h1=1", "thing/b@h1:none:0", "net/n@h1: it is gone"},
		"under a removal":                   {"net/n@h1=1", "net/n@h1=1 thing/b@h1=1<net/n@h1", "thing/b@h1=1", "thing/b@h1:retire:1", "net/n@h1: it is gone"},
		"declared further":                  {"thing/a@h1=1!moved", "thing/a@h1=1", "thing/a@h1=2", "thing/a@h1:none:0", "thing/a@h1: it differs"},
		"to be healed":                      {"thing/a@h1=1!heal", "thing/a@h1=1", "thing/a@h1=2", "thing/a@h1:none:0", "thing/a@h1: it differs"},
		"set aside":                         {"disk/d@h1=1", "disk/d@h1=1!retired", "disk/d@h1=1!retired", "disk/d@h1:restore:1", ""},
		"new needs":                         {"net/n@h1=1 thing/a@h1=1<net/n@h1", "net/n@h1=1 thing/a@h1=1", "net/n@h1=1 thing/a@h1=2", "thing/a@h1:update:1", ""},
	} {
		t.Run(name, func(t *testing.T) {
			in := input(t, tt.want, tt.applied, tt.live, "", "")
			at := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
			for _, entry := range in.Inventory {
				entry.AppliedAt, entry.State = at, []byte(`"seen"`)
			}
			whole := diff.Compute(in)
			pushed := whole.Pushed(in)
			var changes []string
			for _, c := range pushed.Changes {
				changes = append(changes, c.Instance.String()+":"+c.Action.String()+":"+string(rune('0'+len(c.Steps))))
				if recorded := c.Entry; len(c.Steps) == 0 && slices.ContainsFunc(whole.Drifted(in), of(c)) && (!recorded.AppliedAt.Equal(at) || string(recorded.State) != `"seen"` || recorded.Same(in.Inventory[c.Instance])) {
					t.Errorf("it would be remembered as %+v", recorded)
				}
			}
			if got := strings.Join(changes, " "); got != tt.changes {
				t.Errorf("changes %q, not %q", got, tt.changes)
			}
			if got := said(pushed.Notes); !strings.HasPrefix(got, tt.notes) || tt.notes == "" && got != "" {
				t.Errorf("notes %q, not %q", got, tt.notes)
			}
			if told := whole.Told(in); len(told.Changes) != len(whole.Changes) || (said(told.Notes) == "") != (len(whole.Drifted(in)) == 0) {
				t.Errorf("in a plan of all of it: %q", said(told.Notes))
			}
		})
	}
}

func TestManyThatDriftedAreNamedShort(t *testing.T) {
	var applied []string
	for n := range 100 {
		applied = append(applied, "thing/t"+string(rune('a'+n/10))+string(rune('a'+n%10))+"@h1=1")
	}
	text := strings.Join(applied, " ")
	in := input(t, text, text, "", "", "")
	notes := diff.Compute(in).Pushed(in).Notes
	if len(notes) != 11 || !strings.HasSuffix(said(notes), "89 others") {
		t.Errorf("%d notes: %s", len(notes), said(notes))
	}
}

// of finds the change of the same instance.
func of(c *diff.Change) func(*diff.Change) bool {
	return func(other *diff.Change) bool { return other.Instance == c.Instance }
}

func said(notes []diff.Note) string {
	var lines []string
	for _, n := range slices.Clone(notes) {
		lines = append(lines, n.Instance.String()+": "+n.Text)
	}
	return strings.Join(lines, "\n")
}

package diff_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"plumbline/actuators"
	"plumbline/reconcile/diff"
	"plumbline/schema"
)

var (
	today = time.Date(2026, 3, 20, 12, 0, 0, 0, time.UTC)
	rules = diff.Rules{Now: today, Keep: 14 * 24 * time.Hour, Purge: true}
)

// ruled is a scene on a day; what was set aside was it so many days before.
func ruled(t *testing.T, want, applied, live string, days int) diff.Input {
	t.Helper()
	in := input(t, want, applied, live, "", "")
	in.Rules = rules
	since := today.AddDate(0, 0, -days)
	for _, entry := range in.Inventory {
		if entry.Retired != nil {
			entry.Retired = &since
		}
	}
	return in
}

// told is everything that a comparison said, by lines.
func told(r diff.Result) string {
	var lines []string
	for _, f := range r.Refusals {
		lines = append(lines, fmt.Sprintf("%s %s %s: %s", f.Pos, f.Class, f.Instance, f.Text))
	}
	for _, n := range r.Notes {
		lines = append(lines, fmt.Sprintf("note %s: %s", n.Instance, n.Text))
	}
	return strings.Join(lines, "\n")
}

var printed = regexp.MustCompile(`approve: (\w+): "([^"]+)": {effect: "(sha256:[0-9a-f]{64})", until: "([0-9-]+)"}`)

// approve puts the line that a comparison printed into the topology, as people do.
func approve(t *testing.T, in *diff.Input, text string) {
	t.Helper()
	found := printed.FindStringSubmatch(text)
	if found == nil {
		t.Fatalf("no line to paste in:\n%s", text)
	}
	until, err := time.Parse(time.DateOnly, found[4])
	if err != nil {
		t.Fatal(err)
	}
	in.Want.Approvals = []schema.Approval{{
		To: schema.Agreement(found[1]), Object: schema.ID(found[2]), Effect: found[3], Until: until.AddDate(0, 0, 1), Pos: schema.Pos{File: "ok.cue", Line: 3, Col: 1},
	}}
}

// waits is the line that would purge the first thing that waits.
func waits(t *testing.T, in diff.Input) string {
	t.Helper()
	all := diff.Waits(in)
	if len(all) == 0 || all[0].Effect == "" {
		t.Fatalf("nothing waits: %+v", all)
	}
	return schema.Approval{To: schema.ToPurge, Object: all[0].ID, Effect: all[0].Effect, Until: today.AddDate(0, 0, 3)}.Line()
}

const setAside = "disk/a@h1=1!retired"

func TestWhatIsDueIsToldWithTheLineThatPurgesIt(t *testing.T) {
	in := ruled(t, "", setAside, setAside, 13)
	if r := diff.Compute(in); outcome(r) != "" || told(r) != "" {
		t.Errorf("before its time: %s %s", outcome(r), told(r))
	}
	in = ruled(t, "", setAside, setAside, 14)
	r := diff.Compute(in)
	if outcome(r) != "" || !strings.HasPrefix(told(r), "note disk/a@h1: was set aside on 2026-03-06 and may be purged; ") {
		t.Fatalf("when it is due: %s %s", outcome(r), told(r))
	}
	approve(t, &in, told(r))
	if r := diff.Compute(in); outcome(r) != "purge disk/a@h1" || told(r) != "" {
		t.Errorf("approved: %s %s", outcome(r), told(r))
	}
}

func TestAnApprovedPurgeMayComeBeforeItsTimeAndIsToldSo(t *testing.T) {
	in := ruled(t, "", setAside, setAside, 3)
	approve(t, &in, waits(t, in))
	if r := diff.Compute(in); outcome(r) != "purge disk/a@h1" || told(r) != "note disk/a@h1: is purged 11 days before its time, as approved" {
		t.Errorf("%s %s", outcome(r), told(r))
	}
}

func TestAPurgeNeedsTheVeryApproval(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*diff.Input)
		want   string
	}{
		"ran out": {func(in *diff.Input) { in.Want.Approvals[0].Until = today },
			"ok.cue:3:1 refused disk/a@h1: it is not purged: its approval at ok.cue:3:1 ran out at the end of 2026-03-19; renew it: approve: purge: "},
		"of another effect": {func(in *diff.Input) { in.Want.Approvals[0].Effect = "sha256:" + strings.Repeat("0", 64) },
			"ok.cue:3:1 refused disk/a@h1: it is not purged: ok.cue:3:1 approves another effect, sha256:000000000000…; what is to be done now is approve: purge: "},
		"of something else": {func(in *diff.Input) { in.Want.Approvals[0].Object = "disk/b" },
			"note disk/b: ok.cue:3:1 approves to purge it, and there is nothing to purge; the line can go"},
		"in a plan that purges nothing": {func(in *diff.Input) { in.Rules.Purge = false }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			in := ruled(t, "", setAside, setAside, 3)
			approve(t, &in, waits(t, in))
			c.change(&in)
			if r := diff.Compute(in); strings.Contains(outcome(r), "purge disk") || !strings.HasPrefix(told(r), c.want) || c.want == "" && told(r) != "" {
				t.Errorf("%s\n%s", outcome(r), told(r))
			}
		})
	}
}

func TestWhatIsDeclaredIsNeverPurged(t *testing.T) {
	in := ruled(t, "", setAside, setAside, 3)
	line := waits(t, in)
	in = ruled(t, "disk/a@h1=1", setAside, setAside, 3)
	approve(t, &in, line)
	r := diff.Compute(in)
	if strings.Contains(outcome(r), "purge") || !strings.Contains(told(r), "ok.cue:3:1 refused disk/a: it is declared, and what is declared is never purged") {
		t.Errorf("%s\n%s", outcome(r), told(r))
	}
}

func TestWhatIsUnknownOrGoneIsNotPurged(t *testing.T) {
	in := ruled(t, "", setAside, setAside, 3)
	line := waits(t, in)
	in = ruled(t, "", setAside, "disk/a@h1=1!hidden", 3)
	approve(t, &in, line)
	if r := diff.Compute(in); outcome(r) != "unknown disk/a@h1" {
		t.Errorf("hidden: %s", outcome(r))
	}
	in = ruled(t, "", setAside, "", 20)
	r := diff.Compute(in)
	if outcome(r) != "" {
		t.Errorf("gone: %s", outcome(r))
	}
	approve(t, &in, told(r))
	if r := diff.Compute(in); outcome(r) != "forget disk/a@h1" {
		t.Errorf("gone, and people know: %s\n%s", outcome(r), told(r))
	}
}

func TestAllThingsOfAnObjectArePurgedTogether(t *testing.T) {
	in := ruled(t, "", "disk/a@h1=1!retired disk/a@h2=1!retired", "disk/a@h1=1!retired disk/a@h1=2!retired disk/a@h2=3!retired disk/a@h1=4!retired!other", 20)
	approve(t, &in, told(diff.Compute(in)))
	r := diff.Compute(in)
	if outcome(r) != "purge disk/a@h1; purge disk/a@h2" || len(r.Changes[0].Steps) != 2 || len(r.Changes[1].Steps) != 1 {
		t.Errorf("%s: %+v", outcome(r), r.Changes)
	}
}

func TestDataThatIsGoneIsMadeAnewWhenPeopleAgreeAndOnlyOnce(t *testing.T) {
	in := ruled(t, "disk/a@h1=1", "disk/a@h1=1", "", 0)
	r := diff.Compute(in)
	if outcome(r) != "missing disk/a@h1" || !strings.Contains(told(r), `approve: recreate: "disk/a"`) {
		t.Fatalf("%s\n%s", outcome(r), told(r))
	}
	approve(t, &in, told(r))
	if r := diff.Compute(in); outcome(r) != "create disk/a@h1" {
		t.Errorf("approved: %s\n%s", outcome(r), told(r))
	}
	in.Inventory[schema.ParseInstance("disk/a@h1")].AppliedAt = today // it was made anew, and is lost again
	if r := diff.Compute(in); outcome(r) != "missing disk/a@h1" || !strings.Contains(told(r), "ok.cue:3:1 approves another effect") {
		t.Errorf("lost again: %s\n%s", outcome(r), told(r))
	}
}

func TestDataThatLostItsMarkIsMarkedAgainWhenPeopleAgreeAndOnlyOnce(t *testing.T) {
	for _, word := range []string{"", "!adopt"} { // an old word in the declaration neither helps nor hinders
		in := ruled(t, "disk/a@h1=1"+word, "disk/a@h1=1"+word, "disk/a@h1=1!foreign", 0)
		r := diff.Compute(in)
		if outcome(r) != "unknown disk/a@h1" || !strings.Contains(told(r), `approve: adopt: "disk/a"`) {
			t.Fatalf("%s\n%s", outcome(r), told(r))
		}
		approve(t, &in, told(r))
		if r := diff.Compute(in); outcome(r) != "adopt disk/a@h1" {
			t.Errorf("approved: %s\n%s", outcome(r), told(r))
		}
		in.Inventory[schema.ParseInstance("disk/a@h1")].AppliedAt = today
		if r := diff.Compute(in); outcome(r) != "unknown disk/a@h1" {
			t.Errorf("lost again: %s\n%s", outcome(r), told(r))
		}
	}
}

// A comparison that remembers says the same as one that does not, also when only approvals and the day change.
func TestApprovalsAreHeardByAComparisonThatRemembers(t *testing.T) {
	var resident diff.Resident
	in := ruled(t, "disk/a@h1=1", "disk/a@h1=1", "", 0)
	text := told(resident.Compute(in))
	approve(t, &in, text)
	if r := resident.Compute(in); outcome(r) != "create disk/a@h1" {
		t.Errorf("approved: %s", outcome(r))
	}
	in.Want.Approvals, in.Rules.Now = nil, today.AddDate(0, 0, 1)
	if r := resident.Compute(in); told(r) != told(diff.Compute(in)) || told(r) == text {
		t.Errorf("the next day: %s", told(r))
	}
}

func TestLimitsCountAllThatIsTakenAwayAndSaySoOnce(t *testing.T) {
	var applied, live strings.Builder
	for n := range 4 {
		fmt.Fprintf(&applied, "thing/t%d@h1=1 disk/d%d@h1=1!retired ", n, n)
		fmt.Fprintf(&live, "thing/t%d@h1=1 disk/d%d@h1=1!retired ", n, n)
	}
	in := ruled(t, "", applied.String(), live.String(), 20)
	for _, w := range diff.Waits(in) {
		in.Want.Approvals = append(in.Want.Approvals, schema.Approval{To: schema.ToPurge, Object: w.ID, Effect: w.Effect, Until: today.AddDate(0, 0, 1)})
	}
	r := diff.Compute(in)
	if len(r.Changes) != 0 || len(r.Refusals) != 8 || r.Refusals[0].Class != diff.Limit {
		t.Fatalf("%s", outcome(r))
	}
	text := told(r)
	for _, want := range []string{"would take away 8 objects (4 to retire, 4 to purge) and at most 5 may go at once, the larger of 5 and 10 % of the 4 that are applied", "limits: destroys or limits: share"} {
		if strings.Count(text, want) != 1 {
			t.Errorf("%q is not said once in\n%s", want, text)
		}
	}
	in.Limits.Destroys = 8
	if r := diff.Compute(in); len(r.Refusals) > 0 {
		t.Errorf("%s", told(r))
	}
	if !actuators.Purge.Removes() {
		t.Error("a purge takes nothing away")
	}
}

package requests

import (
	"strings"
	"testing"
	"time"

	"plumbline/reconcile"
	"plumbline/reconcile/diff"
	"plumbline/reconcile/journal"
	"plumbline/reconcile/plan"
	"plumbline/reconcile/preview"
	"plumbline/reconcile/run"
	"plumbline/schema"
)

func ended(commit, verdict string, result string) journal.Past {
	at := time.Unix(1_790_000_500, 0)
	return journal.Past{Plan: &plan.Plan{ID: "plan " + commit, Commit: commit}, Summary: "1 update", BegunAt: at, EndedAt: &at, Verdict: verdict, Result: []byte(result)}
}

func TestWhatCameOfACommitIsTold(t *testing.T) {
	x := newSite(t, nil)
	x.turn()
	merged := x.merge()
	if x.looked == 0 {
		t.Error("the controller is not told to look")
	}
	x.past = []journal.Past{ended(merged, string(run.RolledBack), `{"verdict":"rolled back","lanes":[{"lane":1,"objects":["vm/x@h"],"outcome":"rolled back","cause":"error","err":"no `+"```"+` space @all"}]}`)}
	x.turn()
	x.turn()
	got := x.comment(preview.OutcomeMarker)
	if !strings.Contains(got, "````\nlane 1 (vm/x@h): rolled back: no ``` space @all\n````") || !strings.Contains(got, "parked") || !strings.Contains(got, "git revert --no-edit cccccccccc ") {
		t.Errorf("%s", got)
	}
	if strings.Count(x.statuses(), "cccc plumb/apply failure: rolled back: 1 update") != 1 {
		t.Error(x.statuses())
	}
	next := ended(merged, string(run.Applied), `{"verdict":"applied"}`)
	next.Plan.ID, x.felt = "plan 2", map[string][]string{"plan 2": {"vm/x restart: 0.7 s", "vm/y restart: 0.1 s"}}
	x.past = append(x.past, next)
	x.turn()
	if !strings.Contains(x.comment(preview.OutcomeMarker), "**applied**") || !strings.HasSuffix(x.statuses(), "cccc plumb/apply success: applied in 0s: 1 update; vm/x restart: 0.7 s") {
		t.Errorf("%s\n%s", x.comment(preview.OutcomeMarker), x.statuses())
	}
}

// How many agreed, to what, and how others do stands in the comment and in a status of its own.
func TestApprovalsAreCountedWhereTheyAreWaitedFor(t *testing.T) {
	x := newSite(t, nil)
	x.agreed = []plan.Agreement{{Rule: "net/**", Pos: schema.Pos{File: "plumb.cue", Line: 9, Col: 2}, Need: 2, Of: []string{"ada@*", "bob@*"}}}
	x.turn()
	x.has("### plumb: **waits for approvals**, `~1`", "- 0 of 2 approvals, wanted by `net/**` (`plumb.cue:9:2`) for `vm/x@h`", "Plumb-Approve: sha256:0123")
	if x.policies() != "aaaa plumb/policy pending: 0 of 2 approvals for net/**" || !strings.HasSuffix(x.statuses(), "success: waits for approvals, ~1") {
		t.Errorf("%s\n%s", x.policies(), x.statuses())
	}
	x.push("b")
	x.agreed[0].Names = []string{"ada@boston"}
	x.turn()
	x.has("- 1 of 2 approvals by `ada@boston`")
	x.push("c")
	x.agreed[0].Names = []string{"ada@boston", "bob@boston"}
	x.turn()
	x.has("### plumb: `~1`\n", "- 2 of 2 approvals by `ada@boston, bob@boston`")
	if strings.Contains(x.comment(preview.Marker), "Plumb-Approve") || !strings.HasSuffix(x.policies(), "bbbb plumb/policy pending: 1 of 2 approvals for net/**\ncccc plumb/policy success: 2 of 2 approvals for net/**") {
		t.Errorf("%s\n%s", x.policies(), x.comment(preview.Marker))
	}
}

func TestWhatTheRulesSayIsAStatus(t *testing.T) {
	x := newSite(t, nil)
	x.refusals = []diff.Refusal{{Instance: schema.ID("vm/x").On("h"), Class: diff.Denied, Text: "no"}}
	x.turn()
	x.push("b")
	x.refusals[0].Class = diff.Unknown
	x.turn()
	x.push("c")
	x.problems = schema.Problems{{Text: "no"}}
	x.turn()
	want := "aaaa plumb/policy failure: a policy is against it: vm/x@h\nbbbb plumb/policy success: nothing is against it\ncccc plumb/policy pending: not judged: the topology has mistakes"
	if x.policies() != want {
		t.Errorf("%s\nwant\n%s", x.policies(), want)
	}
}

func TestWhatIsHeldIsShownAndCanBeApproved(t *testing.T) {
	x := newSite(t, nil)
	x.turn()
	merged := x.merge()
	x.live = "unrest"
	x.status = reconcile.Status{Head: merged, Applied: x.head, Unseen: "effect"}
	x.turn()
	x.has("**held**", "head="+merged)
	x.forge.Comment("ada", "plumb approve")
	x.turn()
	if r := x.s.book.Request(7); !r.Saw("effect of "+merged+" over unrest") || x.signs() != "+1 " {
		t.Errorf("%+v %+v, %s", r, r.Agreed, x.signs())
	}
}

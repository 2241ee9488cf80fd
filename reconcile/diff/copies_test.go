package diff_test

import (
	"strings"
	"testing"

	"plumbline/reconcile/diff"
	"plumbline/schema"
)

// withCopies is a declared disk that is there, with two older ones that were set aside of it, and one of somebody else's.
const withCopies = "disk/a@h1=3 disk/a@h1=1!retired disk/a@h1=2!retired disk/a@h1=9!retired!other disk/b@h1=1<disk/a@h1"

func TestOlderCopiesOfWhatIsDeclaredArePurgedWhenPeopleAgreeAndNothingElseOfIt(t *testing.T) {
	const declared = "disk/a@h1=3 disk/b@h1=1<disk/a@h1"
	in := ruled(t, declared, declared, withCopies, 0)
	if r := diff.Compute(in); outcome(r) != "" || told(r) != "" {
		t.Fatalf("without a line: %s %s", outcome(r), told(r))
	}
	approve(t, &in, waits(t, in))
	r := diff.Compute(in)
	if outcome(r) != "purge disk/a@h1" || told(r) != "note disk/a@h1: stays as it is declared; what is purged was set aside of it" {
		t.Fatalf("approved: %s %s", outcome(r), told(r))
	}
	c := r.Changes[0]
	if len(c.Steps) != 2 || string(c.Steps[0].Params) != `{"v":1}` || string(c.Steps[1].Params) != `{"v":2}` {
		t.Errorf("steps %+v", c.Steps)
	}
	if c.Entry == nil || c.Entry.Hash != in.Inventory[c.Instance].Hash || c.Have.Here == nil || !c.Have.Owned {
		t.Errorf("the inventory forgets it, or it is thought absent: %+v", c)
	}
	in.Rules.Purge = false
	if r := diff.Compute(in); outcome(r) != "" {
		t.Errorf("in a plan that purges nothing: %s", outcome(r))
	}
}

func TestOlderCopiesWaitForTheVeryApprovalAndFreezeNobody(t *testing.T) {
	const declared = "disk/a@h1=3 disk/b@h1=1<disk/a@h1"
	of := func(want, applied, live string) diff.Input {
		in := ruled(t, declared, declared, withCopies, 0)
		line := waits(t, in)
		in = ruled(t, want, applied, live, 0)
		approve(t, &in, line)
		return in
	}
	late := of(declared, declared, withCopies)
	late.Want.Approvals[0].Until = today
	for name, c := range map[string]struct {
		in            diff.Input
		want, outcome string
	}{
		"the line ran out":   {late, "note disk/a@h1: ok.cue:3:1: what was set aside of it is not purged: its approval at ok.cue:3:1 ran out", ""},
		"one more came":      {of(declared, declared, withCopies+" disk/a@h1=4!retired"), "what was set aside of it is not purged: ok.cue:3:1 approves another effect", ""},
		"it changes":         {of("disk/a@h1=4 disk/b@h1=2<disk/a@h1", declared, withCopies), "is not purged: it changes in this plan", "update disk/a@h1; update disk/b@h1"},
		"it is gone":         {of(declared, declared, "disk/a@h1=1!retired disk/a@h1=2!retired disk/b@h1=1"), "is not purged: what is declared is not there", "restore disk/a@h1"},
		"it is a stranger's": {of(declared, declared, strings.Replace(withCopies, "=3", "=3!other", 1)), "is not purged: what has its name is not ours", "foreign disk/a@h1"},
		"it is only watched": {of("disk/a@h1=3!observe disk/b@h1=1<disk/a@h1", declared, withCopies), "is not purged: it is only observed", "forget disk/a@h1"},
		"it cannot be seen":  {of(declared, declared, withCopies+" disk/a@h1=3!hidden"), "is not purged: not mounted", "unknown disk/a@h1"},
		"all are gone":       {of(declared, declared, "disk/a@h1=3 disk/b@h1=1"), "note disk/a: ok.cue:3:1 approves to purge it: it is declared and stays, and nothing is set aside of it; the line can go", ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := diff.Compute(c.in)
			if strings.Contains(outcome(r), "purge") || !strings.Contains(told(r), c.want) || outcome(r) != c.outcome {
				t.Errorf("%s\n%s", outcome(r), told(r))
			}
		})
	}
}

func TestCopiesAndWhatIsDeclaredNoMoreArePurgedTogether(t *testing.T) {
	in := ruled(t, "disk/a@h1=3", "disk/a@h1=3 disk/a@h2=1!retired", "disk/a@h1=3 disk/a@h1=1!retired disk/a@h2=1!retired", 20)
	if all := diff.Waits(in); len(all) != 1 || len(all[0].Asides) != 2 {
		t.Fatalf("waits: %+v", all)
	}
	approve(t, &in, waits(t, in))
	r := diff.Compute(in)
	if outcome(r) != "purge disk/a@h1; purge disk/a@h2" || r.Changes[0].Entry == nil || r.Changes[1].Entry != nil {
		t.Errorf("%s: %s", outcome(r), told(r))
	}
	if in.Inventory[schema.ParseInstance("disk/a@h2")].Retired == nil {
		t.Error("the scene is wrong")
	}
}

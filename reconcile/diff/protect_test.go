package diff_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"plumbline/actuators"
	"plumbline/reconcile/diff"
	"plumbline/schema"
)

func TestProtectionOutlivesTheDeclaration(t *testing.T) {
	const live = "disk/a@h1=1 thing/v@h1=1"
	for _, c := range []scene{
		{name: "a protected thing is not taken away", applied: "thing/a@h1=1!protect", live: "thing/a@h1=1", expect: "protected thing/a@h1"},
		{name: "one that is declared again changes as any other", want: "thing/a@h1=2", applied: "thing/a@h1=1!protect", live: "thing/a@h1=1", expect: "update thing/a@h1"},
		{name: "taking the protection off is recorded", want: "thing/a@h1=1", applied: "thing/a@h1=1!protect", live: "thing/a@h1=1", expect: "record thing/a@h1"},
		{name: "protecting is recorded", want: "thing/a@h1=1!protect", applied: "thing/a@h1=1", live: "thing/a@h1=1", expect: "record thing/a@h1"},
		{name: "what was unprotected before goes", applied: "thing/a@h1=1", live: "thing/a@h1=1", expect: "retire thing/a@h1"},
		{name: "what a protected thing stands on stays", want: "thing/v@h1=1!protect", applied: "disk/a@h1=1 thing/v@h1=1<disk/a@h1!protect", live: live,
			expect: "protected disk/a@h1; blocked thing/v@h1"},
		{name: "and so does what that stands on", want: "thing/v@h1=1!protect", live: live + " net/n@h1=1",
			applied: "net/n@h1=1 disk/a@h1=1<net/n@h1 thing/v@h1=1<disk/a@h1!protect", expect: "protected disk/a@h1; protected net/n@h1; blocked thing/v@h1"},
		{name: "what stands on a protected thing may go", applied: "disk/a@h1=1!protect thing/v@h1=1<disk/a@h1", live: live, expect: "retire thing/v@h1; protected disk/a@h1"},
		{name: "taking the protection off what stands on it is not enough in the same commit", want: "thing/v@h1=1",
			applied: "disk/a@h1=1 thing/v@h1=1<disk/a@h1!protect", live: live, expect: "protected disk/a@h1; blocked thing/v@h1"},
		{name: "the rest goes on", want: "thing/new@h2=1", applied: "thing/a@h1=1!protect thing/b@h1=1", live: "thing/a@h1=1 thing/b@h1=1",
			expect: "retire thing/b@h1; create thing/new@h2; protected thing/a@h1"},
		{name: "what is gone already is not forgotten", applied: "thing/a@h1=1!protect", expect: "protected thing/a@h1"},
		{name: "set aside before, it is not protected", applied: "thing/a@h1=1!protect!retired", live: "thing/a@h1=1!retired"},
		{name: "an instance of one that is still declared elsewhere stays", want: "thing/a@h2=1!protect", applied: "thing/a@h1=1!protect thing/a@h2=1!protect",
			live: "thing/a@h1=1 thing/a@h2=1", expect: "protected thing/a@h1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := outcome(diff.Compute(input(t, c.want, c.applied, c.live, "", ""))); got != c.expect {
				t.Errorf("got  %s\nwant %s", got, c.expect)
			}
		})
	}
}

func TestProtectionNamesItsPlaceAndTheWayOut(t *testing.T) {
	r := diff.Compute(input(t, "thing/v@h1=1!protect", "disk/a@h1=1 thing/v@h1=1<disk/a@h1!protect", "disk/a@h1=1 thing/v@h1=1", "", ""))
	text := told(r)
	for _, part := range []string{"thing/v@h1 stands on it", "a.cue:1", "declares thing/v with protect: false", "in a later one"} {
		if !strings.Contains(text, part) {
			t.Errorf("%q lacks %q", text, part)
		}
	}
}

func TestNothingProtectedIsEverTakenAway(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		want, applied, live, unknown, partial := draw(rt)
		in := input(t, want, applied, live, unknown, partial)
		r := diff.Compute(in)
		for _, change := range r.Changes {
			if change.Action != actuators.Retire && change.Action != actuators.Replace || len(change.Steps) == 0 {
				continue
			}
			if entry := in.Inventory[change.Instance]; entry.Protect {
				rt.Fatalf("%s is protected and would be taken away", change.Instance)
			}
			for i, entry := range in.Inventory {
				if entry.Protect && entry.Retired == nil && reaches(in, i, change.Instance, map[schema.Instance]bool{}) {
					rt.Fatalf("%s stands on %s, which would be taken away", i, change.Instance)
				}
			}
		}
	})
}

func reaches(in diff.Input, from, to schema.Instance, seen map[schema.Instance]bool) bool {
	entry := in.Inventory[from]
	if entry == nil || entry.Retired != nil || seen[from] { // what was set aside stands on nothing
		return false
	}
	seen[from] = true
	for _, below := range entry.After {
		if below == to || reaches(in, below, to, seen) {
			return true
		}
	}
	return false
}

// However often a commit is planned, what it takes protection off is not unprotected by itself.
func TestACommitNeverTakesAwayWhatItUnprotects(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		want, applied, live, _, _ := draw(rt)
		in := input(t, want, applied, live, "", "")
		provide := map[schema.Instance]bool{}
		for i, entry := range in.Inventory {
			for below := range in.Inventory {
				if entry.Protect && entry.Retired == nil && (i == below || reaches(in, i, below, map[schema.Instance]bool{})) {
					provide[below] = true
				}
			}
		}
		for range 4 {
			for _, c := range diff.Compute(in).Changes {
				if provide[c.Instance] && (c.Action == actuators.Retire || c.Action == actuators.Replace) && len(c.Steps) > 0 {
					rt.Fatalf("%s is taken away\nwant %s\napplied %s\nlive %s", c.Instance, want, applied, live)
				}
				enact(in, c)
			}
		}
	})
}

package diff_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"plumbline/actuators"
	"plumbline/reconcile/diff"
	"plumbline/schema"
)

type scene struct{ name, want, applied, live, unknown, partial, expect string }

// outcome is the changes and refusals as one line: "create thing/a@h1; foreign thing/b@h1". A change that only the
// inventory follows is "record" or, when its entry goes, "forget".
func outcome(r diff.Result) string {
	var out []string
	for _, c := range r.Changes {
		verb := c.Action.String()
		if c.Action == actuators.None || len(c.Steps) == 0 {
			verb = map[bool]string{true: "record", false: "forget"}[c.Entry != nil]
			if c.Action != actuators.None {
				verb += "-" + c.Action.String()
			}
		}
		if c.Was != "" {
			verb = "move " + string(c.Was) + " to"
		}
		out = append(out, verb+" "+c.Instance.String())
	}
	for _, f := range r.Refusals {
		out = append(out, string(f.Class)+" "+f.Instance.String())
	}
	return strings.Join(out, "; ")
}

func TestCompute(t *testing.T) {
	for _, c := range []scene{
		// what is declared
		{name: "what is not there is made", want: "thing/a@h1=1", expect: "create thing/a@h1"},
		{name: "what differs is changed", want: "thing/a@h1=2", applied: "thing/a@h1=1", live: "thing/a@h1=1", expect: "update thing/a@h1"},
		{name: "what is as declared is left", want: "thing/a@h1=1", applied: "thing/a@h1=1", live: "thing/a@h1=1"},
		{name: "a declaration that moved in its file is recorded", want: "thing/a@h1=1!moved", applied: "thing/a@h1=1", live: "thing/a@h1=1", expect: "record thing/a@h1"},
		{name: "a new drift policy is recorded", want: "thing/a@h1=1!heal", applied: "thing/a@h1=1", live: "thing/a@h1=1", expect: "record thing/a@h1"},
		{name: "a new need is recorded", want: "net/n@h1=1 thing/a@h1=1<net/n@h1", applied: "net/n@h1=1 thing/a@h1=1", live: "net/n@h1=1 thing/a@h1=1", expect: "record thing/a@h1"},
		{name: "what is ours and unknown to the inventory is recorded", want: "thing/a@h1=1", live: "thing/a@h1=1", expect: "record thing/a@h1"},
		{name: "live that went before its commit is recorded", want: "thing/a@h1=2", applied: "thing/a@h1=1", live: "thing/a@h1=2", expect: "record thing/a@h1"},
		{name: "what the kind refuses is refused", want: "thing/a@h1=13", applied: "thing/a@h1=1", live: "thing/a@h1=1", expect: "refused thing/a@h1"},
		{name: "a difference without a step is never recorded as applied", want: "thing/a@h1=14", applied: "thing/a@h1=1", live: "thing/a@h1=1", expect: "refused thing/a@h1"},
		{name: "a kind that is only observed needs no step", want: "seen/a@h1=14", live: "seen/a@h1=1!foreign", expect: "record-update seen/a@h1"},

		// what is not ours
		{name: "an unmarked thing of a wanted name is refused", want: "thing/a@h1=1", live: "thing/a@h1=1!foreign", expect: "foreign thing/a@h1"},
		{name: "another installation's is refused", want: "thing/a@h1=1", live: "thing/a@h1=1!other", expect: "foreign thing/a@h1"},
		{name: "another installation's is not adopted", want: "thing/a@h1=1!adopt", live: "thing/a@h1=1!other", expect: "foreign thing/a@h1"},
		{name: "ours goes before a foreign thing of the same name", want: "thing/a@h1=1", applied: "thing/a@h1=1", live: "thing/a@h1=1 thing/a@h1=9!foreign"},
		{name: "ours goes before a foreign thing seen first", want: "thing/a@h1=1", applied: "thing/a@h1=1", live: "thing/a@h1=9!foreign thing/a@h1=1"},
		{name: "a lost mark makes it foreign", want: "thing/a@h1=2", applied: "thing/a@h1=1", live: "thing/a@h1=1!foreign", expect: "foreign thing/a@h1"},
		{name: "data that lost its mark is unknown", want: "disk/a@h1=2", applied: "disk/a@h1=1", live: "disk/a@h1=1!foreign", expect: "unknown disk/a@h1"},
		{name: "data that lost its mark is not adopted on a word of its declaration", want: "disk/a@h1=2!adopt", applied: "disk/a@h1=1", live: "disk/a@h1=1!foreign", expect: "unknown disk/a@h1"},
		{name: "adopting writes the mark", want: "thing/a@h1=1!adopt", live: "thing/a@h1=1!foreign", expect: "adopt thing/a@h1"},
		{name: "adopting what is ours does nothing", want: "thing/a@h1=1!adopt", applied: "thing/a@h1=1!adopt", live: "thing/a@h1=1"},
		{name: "adopting what is not there makes it", want: "thing/a@h1=1!adopt", expect: "create thing/a@h1"},
		{name: "what differs is not adopted", want: "thing/a@h1=2!adopt", live: "thing/a@h1=1!foreign", expect: "refused thing/a@h1"},
		{name: "adopting changes nothing else", want: "thing/a@h1=60!adopt", live: "thing/a@h1=1!foreign", expect: "refused thing/a@h1"},
		{name: "a marked kind that does not adopt says so", want: "plain/a@h1=1!adopt", live: "plain/a@h1=1!foreign", expect: "refused plain/a@h1"},
		{name: "without marks the inventory is the mark", want: "bare/a@h1=2", applied: "bare/a@h1=1", live: "bare/a@h1=1!foreign", expect: "update bare/a@h1"},
		{name: "without marks and entry it is foreign", want: "bare/a@h1=2", live: "bare/a@h1=1!foreign", expect: "foreign bare/a@h1"},
		{name: "without marks the inventory alone adopts", want: "bare/a@h1=1!adopt", live: "bare/a@h1=1!foreign", expect: "record-adopt bare/a@h1"},
		{name: "without marks it is adopted only as it is", want: "bare/a@h1=2!adopt", live: "bare/a@h1=1!foreign", expect: "refused bare/a@h1"},

		// what is only observed
		{name: "observing never changes", want: "thing/a@h1=2!observe thing/b@h1=1!observe", live: "thing/a@h1=1!foreign"},
		{name: "observing what was ours forgets it and changes nothing", want: "thing/a@h1=2!observe", applied: "thing/a@h1=1", live: "thing/a@h1=1", expect: "forget thing/a@h1"},

		// what holds data
		{name: "data that is gone is never made anew", want: "disk/a@h1=1", applied: "disk/a@h1=1", expect: "missing disk/a@h1"},
		{name: "data that was never applied is made", want: "disk/a@h1=1", expect: "create disk/a@h1"},
		{name: "data on another of its hosts proves nothing here", want: "disk/a@h1=1 disk/a@h2=1", applied: "disk/a@h1=1 disk/a@h2=1", live: "disk/a@h2=1", expect: "missing disk/a@h1"},
		{name: "data set aside is restored", want: "disk/a@h1=1", applied: "disk/a@h1=1!retired", live: "disk/a@h1=1!retired", expect: "restore disk/a@h1"},
		{name: "data set aside and gone is not made anew", want: "disk/a@h1=1", applied: "disk/a@h1=1!retired", expect: "missing disk/a@h1"},
		{name: "a thing set aside is restored", want: "thing/a@h1=1", applied: "thing/a@h1=1!retired", live: "thing/a@h1=1!retired", expect: "restore thing/a@h1"},
		{name: "what waits for its purge is left", applied: "thing/a@h1=1!retired", live: "thing/a@h1=1!retired"},

		// what is not known
		{name: "a failed look is never absence", want: "thing/a@h1=1 thing/b@h2=1", unknown: "thing@h1", expect: "create thing/b@h2; unknown thing/a@h1"},
		{name: "what depends on the unknown waits", want: "net/n@h1=1 thing/a@h1=1<net/n@h1 thing/b@h1=1<thing/a@h1 thing/c@h1=1", unknown: "net@h1",
			expect: "create thing/c@h1; unknown net/n@h1; blocked thing/a@h1; blocked thing/b@h1"},
		{name: "nothing unknown is removed", applied: "thing/a@h1=1", unknown: "thing@h1", expect: "unknown thing/a@h1"},
		{name: "what one look could not see is frozen alone", want: "disk/a@h1=2 disk/b@h1=2", applied: "disk/a@h1=1 disk/b@h1=1", live: "disk/a@h1=1!hidden disk/b@h1=1",
			expect: "update disk/b@h1; unknown disk/a@h1"},
		{name: "what could not be seen is not made, and what depends on it waits", want: "disk/a@h1=1 thing/a@h1=1<disk/a@h1", live: "disk/a@h1=1!hidden",
			expect: "unknown disk/a@h1; blocked thing/a@h1"},
		{name: "what could not be seen is not removed", applied: "thing/a@h1=1", live: "thing/a@h1=1!hidden", expect: "unknown thing/a@h1"},
		{name: "what was set aside and could not be seen is not forgotten", want: "disk/a@h1=1", applied: "disk/a@h1=1!retired", live: "disk/a@h1=1!hidden", expect: "unknown disk/a@h1"},
		{name: "a moved object is not made while it cannot be seen at its old host", want: "thing/a@h2=1", applied: "thing/a@h1=1", live: "thing/a@h1=1!hidden", expect: "unknown thing/a@h1; blocked thing/a@h2"},
		{name: "a moved object is not made while its old host is silent", want: "thing/a@h2=1", applied: "thing/a@h1=1", unknown: "thing@h1", expect: "unknown thing/a@h1; blocked thing/a@h2"},
		{name: "a stuck instance is frozen", want: "thing/a@h1=2 thing/b@h1=2", applied: "thing/a@h1=1!stuck thing/b@h1=1", live: "thing/a@h1=1 thing/b@h1=1", expect: "update thing/b@h1; stuck thing/a@h1"},
		{name: "a stuck instance is not removed", applied: "thing/a@h1=1!stuck", live: "thing/a@h1=1", expect: "stuck thing/a@h1"},

		// what goes
		{name: "what is listed, ours and no longer declared is retired", applied: "thing/a@h1=1", live: "thing/a@h1=1", expect: "retire thing/a@h1"},
		{name: "what is not listed is left, whatever its mark", live: "thing/a@h1=1 thing/b@h1=1!foreign"},
		{name: "what lost its mark is left", applied: "thing/a@h1=1", live: "thing/a@h1=1!foreign", expect: "foreign thing/a@h1"},
		{name: "what was not observed in full is left", applied: "thing/a@h1=1", live: "thing/a@h1=1", partial: "thing@h1", expect: "unknown thing/a@h1"},
		{name: "what is gone already is forgotten", applied: "thing/a@h1=1", expect: "forget thing/a@h1"},
		{name: "what was set aside unrecorded is recorded so", applied: "thing/a@h1=1", live: "thing/a@h1=1!retired", expect: "forget-retire thing/a@h1"},
		{name: "a move takes its old instance along", want: "thing/a@h2=100", applied: "thing/a@h1=100", live: "thing/a@h1=100", expect: "forget thing/a@h1; migrate thing/a@h2"},

		// what waits
		{name: "one refused instance holds its object", want: "thing/a@h1=2 thing/a@h2=2", applied: "thing/a@h1=1 thing/a@h2=1", live: "thing/a@h1=1", unknown: "thing@h2", expect: "blocked thing/a@h1; unknown thing/a@h2"},
		{name: "instances of shared ground stand alone", want: "net/a@h1=2 net/a@h2=2", applied: "net/a@h1=1 net/a@h2=1", live: "net/a@h1=1", unknown: "net@h2", expect: "update net/a@h1; unknown net/a@h2"},
		{name: "what a refused one still needs is not removed", want: "thing/a@h1=13", applied: "net/n@h1=1 thing/a@h1=1<net/n@h1", live: "net/n@h1=1 thing/a@h1=1", expect: "blocked net/n@h1; refused thing/a@h1"},
		{name: "a removal waits through removals", applied: "net/n@h1=1 thing/a@h1=1<net/n@h1 thing/b@h2=1<thing/a@h1", live: "net/n@h1=1 thing/a@h1=1", unknown: "thing@h2", expect: "blocked net/n@h1; blocked thing/a@h1; unknown thing/b@h2"},
		{name: "an address is not taken from a holder that is silent", want: "thing/b@h2=1^addr/n/1", applied: "thing/a@h1=1^addr/n/1", unknown: "thing@h1", expect: "unknown thing/a@h1; blocked thing/b@h2"},

		// renames
		{name: "what was another is moved, and nothing is taken away", want: "thing/b@h1=1!was:a", applied: "thing/a@h1=1", live: "thing/a@h1=1", expect: "move thing/a to thing/b@h1"},
		{name: "a kind that cannot rename touches neither name", want: "plain/b@h1=1!was:a", applied: "plain/a@h1=1", live: "plain/a@h1=1", expect: "blocked plain/a@h1; refused plain/b@h1"},
		{name: "a rename that the kind refuses touches neither name", want: "thing/b@h1=13!was:a", applied: "thing/a@h1=1", live: "thing/a@h1=1", expect: "blocked thing/a@h1; refused thing/b@h1"},
		{name: "a former name that is left over after the move does nothing", want: "thing/b@h1=1!was:a", applied: "thing/b@h1=1", live: "thing/b@h1=1"},
		{name: "what is called again as it was is renamed back", want: "thing/a@h1=1", applied: "thing/b@h1=1!once:a", live: "thing/b@h1=1", expect: "move thing/b to thing/a@h1"},
		{name: "renamed back and changed", want: "thing/a@h1=2", applied: "thing/b@h1=1!once:a", live: "thing/b@h1=1", expect: "move thing/b to thing/a@h1"},
		{name: "what is still declared is not renamed back", want: "thing/a@h1=1 thing/b@h1=1", applied: "thing/b@h1=1!once:a", live: "thing/b@h1=1", expect: "create thing/a@h1"},
		{name: "a commit's own word goes before what it was called once", want: "thing/a@h1=1 thing/c@h1=1!was:b", applied: "thing/b@h1=1!once:a", live: "thing/b@h1=1", expect: "create thing/a@h1; move thing/b to thing/c@h1"},
		{name: "two that were called so once", want: "disk/a@h1=1", applied: "disk/b@h1=1!once:a disk/c@h1=1!once:a", live: "disk/b@h1=1 disk/c@h1=1", expect: "move disk/b to disk/a@h1; retire disk/c@h1"},
		{name: "what has that name is not renamed back to it", want: "thing/a@h1=1", applied: "thing/b@h1=1!once:a thing/a@h1=1", live: "thing/b@h1=1 thing/a@h1=1", expect: "retire thing/b@h1"},
		{name: "both names at once", want: "thing/b@h1=1!was:a", applied: "thing/a@h1=1 thing/b@h1=1", live: "thing/a@h1=1 thing/b@h1=1", expect: "blocked thing/a@h1; refused thing/b@h1"},
		{name: "somebody else's thing has the new name", want: "thing/b@h1=1!was:a", applied: "thing/a@h1=1", live: "thing/a@h1=1 thing/b@h1=1!foreign", expect: "blocked thing/a@h1; foreign thing/b@h1"},
		{name: "somebody else's thing has the old name", want: "thing/b@h1=1!was:a", applied: "thing/a@h1=1", live: "thing/a@h1=1!foreign", expect: "foreign thing/a@h1; foreign thing/b@h1"},
		{name: "something set aside keeps the new name", want: "disk/b@h1=1!was:a", applied: "disk/a@h1=1 disk/b@h1=1!retired", live: "disk/a@h1=1 disk/b@h1=1!retired", expect: "blocked disk/a@h1; refused disk/b@h1"},
		{name: "data that is gone is not made anew under another name", want: "disk/b@h1=1!was:a", applied: "disk/a@h1=1", expect: "forget disk/a@h1; missing disk/b@h1"},
		{name: "what is gone and held no data is made under its new name", want: "thing/b@h1=1!was:a", applied: "thing/a@h1=1", expect: "forget thing/a@h1; create thing/b@h1"},
		{name: "what was renamed by hand is recorded", want: "thing/b@h1=1!was:a", applied: "thing/a@h1=1", live: "thing/b@h1=1", expect: "forget thing/a@h1; record thing/b@h1"},
		{name: "nobody saw the old name", want: "thing/b@h1=1!was:a", applied: "thing/a@h1=1", unknown: "thing@h1", expect: "unknown thing/a@h1; unknown thing/b@h1"},
		{name: "a stuck one is not renamed", want: "thing/b@h1=1!was:a", applied: "thing/a@h1=1!stuck", live: "thing/a@h1=1", expect: "stuck thing/a@h1; stuck thing/b@h1"},
		{name: "renamed and moved to another host at once", want: "thing/b@h2=1!was:a", applied: "thing/a@h1=1", live: "thing/a@h1=1", expect: "blocked thing/a@h1; refused thing/b@h2"},
		{name: "renamed where it stays, made where it comes, taken away where it goes", want: "net/n@h1=1 thing/b@h1=1!was:a thing/b@h3=1!was:a", applied: "thing/a@h1=1 thing/a@h2=1",
			live: "thing/a@h1=1 thing/a@h2=1", expect: "create net/n@h1; retire thing/a@h2; move thing/a to thing/b@h1; create thing/b@h3"},
		{name: "only observed is not renamed", want: "thing/b@h1=1!was:a!observe", applied: "thing/a@h1=1", live: "thing/a@h1=1", expect: "blocked thing/a@h1"},
		{name: "what is renamed waits for what it needs", want: "thing/n@h1=13 thing/b@h1=1<thing/n@h1!was:a", applied: "thing/a@h1=1", live: "thing/a@h1=1", expect: "blocked thing/b@h1; refused thing/n@h1"},
		{name: "what it needed is not removed while it cannot be renamed", want: "thing/n@h1=13 thing/b@h1=1<thing/n@h1!was:a", applied: "thing/a@h1=1<thing/o@h1 thing/o@h1=1", live: "thing/a@h1=1 thing/o@h1=1",
			expect: "blocked thing/b@h1; refused thing/n@h1; blocked thing/o@h1"},
		{name: "a rename of what was never applied says nothing", want: "thing/b@h1=1!was:a", expect: "create thing/b@h1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := outcome(diff.Compute(input(t, c.want, c.applied, c.live, c.unknown, c.partial)))
			if got != c.expect {
				t.Errorf("\n got %s\nwant %s", got, c.expect)
			}
		})
	}
}

func TestWhatAppearsAndGoesAlikeGetsAHint(t *testing.T) {
	for _, c := range []struct{ name, want, applied, live, says string }{
		{"alike", "thing/b@h1=1", "thing/a@h1=1", "thing/a@h1=1", `thing/b@h1: is new and thing/a goes: the same but for the name; to rename it in place write was: "a"`},
		{"unlike", "thing/b@h1=2", "thing/a@h1=1", "thing/a@h1=1", ""},
		{"of another kind", "disk/b@h1=1", "thing/a@h1=1", "thing/a@h1=1", ""},
		{"of a kind that cannot be renamed", "plain/b@h1=1", "plain/a@h1=1", "plain/a@h1=1", ""},
		{"on another host", "thing/b@h2=1", "thing/a@h1=1", "thing/a@h1=1", ""},
		{"gone already", "thing/b@h1=1", "thing/a@h1=1", "", ""},
	} {
		says := ""
		for _, n := range diff.Compute(input(t, c.want, c.applied, c.live, "", "")).Notes {
			says += n.Instance.String() + ": " + n.Text
		}
		if says != c.says {
			t.Errorf("%s: says %q, want %q", c.name, says, c.says)
		}
	}
}

func TestAnEarlierNameThatNobodyKnowsIsTold(t *testing.T) {
	for _, c := range []struct{ name, want, applied, live, outcome, says string }{
		{"a slip", "thing/b@h1=1!was:olb", "thing/old@h1=2", "thing/old@h1=2", "create thing/b@h1; retire thing/old@h1", `was: "olb": nothing of that name was applied or stands, so this is made new; did you mean "old"?`},
		{"far from what goes", "thing/b@h1=1!was:x", "thing/old@h1=2", "thing/old@h1=2", "create thing/b@h1; retire thing/old@h1", `what goes in the same plan is old; or remove was`},
		{"nothing goes", "thing/b@h1=1!was:x", "", "", "create thing/b@h1", `remove was, unless it is a slip`},
		{"told once an object", "thing/b@h1=1!was:x thing/b@h2=1!was:x", "", "", "create thing/b@h1; create thing/b@h2", `remove was, unless it is a slip`},
		{"applied long ago", "thing/b@h1=1!was:x", "thing/b@h1=1", "thing/b@h1=1", "", ""},
		{"applied on another host", "thing/b@h1=1!was:x thing/b@h2=1!was:x", "thing/b@h1=1", "thing/b@h1=1", "create thing/b@h2", ""},
		{"not ours", "thing/b@h1=1!was:x", "", "thing/x@h1=1!foreign", "create thing/b@h1", `names a thing that is not ours`},
		{"ours, and the state was lost", "thing/b@h1=1!was:x", "", "thing/x@h1=1", "refused thing/b@h1", `say "plumb recover"`},
		{"set aside", "disk/b@h1=1!was:x", "disk/x@h1=1!retired", "disk/x@h1=1!retired", "refused disk/b@h1", `which puts it back`},
		{"set aside, and held no data", "thing/b@h1=1!was:x", "thing/x@h1=1!retired", "thing/x@h1=1!retired", "create thing/b@h1", `nothing of that name was applied`},
	} {
		result := diff.Compute(input(t, c.want, c.applied, c.live, "", ""))
		says := ""
		for _, n := range result.Notes {
			says += n.Text
		}
		for _, r := range result.Refusals {
			says += r.Text
		}
		if got := outcome(result); got != c.outcome || !strings.Contains(says, c.says) || c.says == "" && says != "" || strings.Count(says, "nothing of that name") > 1 {
			t.Errorf("%s: %s, says %q", c.name, got, says)
		}
	}
}

func TestRefusalsNameTheRemedy(t *testing.T) {
	in := input(t, "thing/a@h1=1 thing/s@h1=1 disk/m@h1=1 plain/n@h1=1!was:o", "thing/s@h1=1!stuck disk/m@h1=1 plain/o@h1=1", "thing/a@h1=1!foreign thing/s@h1=1 plain/o@h1=1", "", "")
	texts := map[string]string{}
	for _, f := range diff.Compute(in).Refusals {
		texts[f.Instance.String()] = string(f.Class) + ": " + f.Text
	}
	for name, remedy := range map[string]string{
		"thing/a@h1": `manage: "adopt"`, "thing/s@h1": `"plumb resume thing/s@h1"`, "disk/m@h1": "under a new name",
		"plain/n@h1": "keep the old name, or take was out", "plain/o@h1": "plain/n says that it was this object",
	} {
		if !strings.Contains(texts[name], remedy) {
			t.Errorf("%s: %q does not say %q", name, texts[name], remedy)
		}
	}
}

func TestOnlyKeepsWhatIsAskedFor(t *testing.T) {
	r := diff.Compute(input(t, "thing/a@h1=1 thing/b@h1=1 thing/c@h1=13 thing/d@h1=13 thing/e@h1=1!observe thing/f@h1=1!observe", "", "", "", ""))
	got := r.Only(func(i schema.Instance) bool { return strings.Contains("thing/b thing/d thing/f", string(i.ID)) })
	if outcome(got) != "create thing/b@h1; refused thing/d@h1" || len(got.Notes) != 1 {
		t.Errorf("%s %v", outcome(got), got.Notes)
	}
}

func TestALaterLookTakesThePlaceOfAnEarlier(t *testing.T) {
	in := input(t, "thing/a@h1=1", "thing/a@h1=1", "thing/a@h1=2", "", "")
	in.World.Add(&diff.Look{Host: "h1", Kind: "thing", All: true})
	if got := outcome(diff.Compute(in)); got != "create thing/a@h1" || len(in.World.Looks()) != 1 {
		t.Error(got)
	}
}

func TestObservedObjectsAreReported(t *testing.T) {
	r := diff.Compute(input(t, "thing/a@h1=2!observe thing/b@h1=1!observe thing/c@h1=1!observe", "", "thing/a@h1=1!other thing/c@h1=1!foreign", "", ""))
	var got []string
	for _, n := range r.Notes {
		got = append(got, n.Instance.String()+": "+n.Text)
	}
	want := []string{"thing/a@h1: it is only observed and differs: v", "thing/b@h1: it is only observed and is not there"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAChangedDeclarationIsRemarkedOn(t *testing.T) {
	r := diff.Compute(input(t, "told/a@h1=2 told/b@h1=2 told/same@h1=1 told/new@h1=1", "told/a@h1=1 told/b@h1=1 told/same@h1=1", "told/a@h1=1 told/same@h1=1", "", ""))
	var got []string
	for _, n := range r.Notes {
		got = append(got, n.Instance.String()+": "+n.Text)
	}
	want := []string{"told/a@h1: was 1 and is now 2, here true", "told/b@h1: was 1 and is now 2, here false"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestLimitsRefuseAllRemovals(t *testing.T) {
	for _, c := range []struct {
		objects, removed, hosts int
		limits                  diff.Limits
		refused                 bool
	}{
		{objects: 5, removed: 5, hosts: 1}, {objects: 6, removed: 6, hosts: 1, refused: true},
		{objects: 100, removed: 10, hosts: 1}, {objects: 100, removed: 11, hosts: 1, refused: true},
		{objects: 20, removed: 6, hosts: 10, refused: true}, // objects count, not their instances
		{objects: 20, removed: 5, hosts: 10},
		{objects: 10, removed: 2, hosts: 1, limits: diff.Limits{Destroys: 1, Share: 0.1}, refused: true},
		{objects: 10, removed: 10, hosts: 1, limits: diff.Limits{Destroys: 1, Share: 1}},
	} {
		var want, have []string
		for n := range c.objects {
			for h := range c.hosts {
				word := fmt.Sprintf("thing/t%d@h%d=1", n, h)
				have = append(have, word)
				if n >= c.removed {
					want = append(want, word)
				}
			}
		}
		in := input(t, strings.Join(want, " "), strings.Join(have, " "), strings.Join(have, " "), "", "")
		in.Limits = c.limits
		r := diff.Compute(in)
		if refused := len(r.Refusals) > 0; refused != c.refused || (refused && len(r.Changes) > 0) || (!refused && len(r.Changes) != c.removed*c.hosts) {
			t.Errorf("%d of %d with %+v: %d changes, %d refusals", c.removed, c.objects, c.limits, len(r.Changes), len(r.Refusals))
		}
	}
}

func TestLimitsCountNothingThatOnlyTheInventoryFollows(t *testing.T) {
	var applied, aside []string
	for n := range 20 {
		applied = append(applied, fmt.Sprintf("thing/t%d@h1=1", n))
		aside = append(aside, fmt.Sprintf("thing/t%d@h1=1!retired", n))
	}
	for _, live := range [][]string{nil, aside} {
		if r := diff.Compute(input(t, "", strings.Join(applied, " "), strings.Join(live, " "), "", "")); len(r.Refusals) > 0 || len(r.Changes) != 20 {
			t.Errorf("%s", outcome(r))
		}
	}
}

// The order of looks and objects plays no part, and a blocked change always names the same reason.
func TestComputeIsDeterministic(t *testing.T) {
	want := "thing/a@h1=13 thing/b@h1=13 net/n@h1=2 thing/c@h1=1<thing/a@h1,thing/b@h1"
	applied := "net/x@h1=1 thing/a@h1=1<net/x@h1 thing/b@h1=1<net/x@h1 net/n@h1=1"
	first := ""
	for range 20 {
		shuffled := strings.Fields(want)
		rand.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		r := diff.Compute(input(t, strings.Join(shuffled, " "), applied, "net/x@h1=1 net/n@h1=1 thing/a@h1=1 thing/b@h1=1", "", ""))
		text := outcome(r)
		for _, f := range r.Refusals {
			text += "\n" + f.Text
		}
		if first == "" {
			first = text
		}
		if text != first {
			t.Fatalf("one time\n%s\nanother time\n%s", first, text)
		}
	}
}

func TestDriftComparesWithWhatWasApplied(t *testing.T) {
	for _, c := range []struct {
		applied, live, unknown string
		class                  diff.DriftClass
	}{
		{"thing/a@h1=1", "thing/a@h1=1", "", diff.Clean},
		{"thing/a@h1=1", "thing/a@h1=2", "", diff.Changed},
		{"thing/a@h1=1", "", "", diff.Gone},
		{"thing/a@h1=1", "thing/a@h1=1!retired", "", diff.Gone},
		{"thing/a@h1=1", "", "thing@h1", diff.Unseen},
		{"thing/a@h1=1", "thing/a@h1=1!foreign", "", diff.Changed},
	} {
		in := input(t, "thing/a@h1=3", c.applied, c.live, c.unknown, "")
		kind, _ := in.Kinds.Kind("thing")
		if f := diff.Drift(kind, in.Inventory[schema.ParseInstance("thing/a@h1")], in.World, ours); f.Class != c.class {
			t.Errorf("%s against %q (unknown %q): %s, want %s", c.applied, c.live, c.unknown, f.Class, c.class)
		}
	}
}

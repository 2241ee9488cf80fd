package diff_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"plumbline/actuators"
	"plumbline/reconcile/diff"
	"plumbline/schema"
)

// draw makes the words of a random datacenter. An instance may be declared, applied and live, each or none, with needs
// among earlier ones.
func draw(t *rapid.T) (want, applied, live, unknown, partial string) {
	return drawNamed(t, func(kind string, n int) string { return fmt.Sprintf("%s/%d@h%d", kind, n, n%3) })
}

func drawNamed(t *rapid.T, named func(kind string, n int) string) (want, applied, live, unknown, partial string) {
	var w, a, l []string
	for n := range rapid.IntRange(1, 12).Draw(t, "instances") {
		kind := rapid.SampledFrom([]string{"thing", "disk", "net", "bare"}).Draw(t, "kind")
		name := named(kind, n)
		value := func() string { return fmt.Sprintf("=%d", rapid.SampledFrom([]int{1, 2, 13}).Draw(t, "value")) }
		if rapid.Bool().Draw(t, "declared") {
			flag := rapid.SampledFrom([]string{"", "", "!adopt", "!observe"}).Draw(t, "manage")
			w = append(w, name+value()+needs(t, w)+flag)
		}
		if rapid.Bool().Draw(t, "applied") {
			flag := rapid.SampledFrom([]string{"", "", "", "!stuck", "!retired", "!protect"}).Draw(t, "entry")
			a = append(a, name+value()+needs(t, a)+flag)
		}
		if rapid.Bool().Draw(t, "live") {
			l = append(l, name+value()+rapid.SampledFrom([]string{"", "", "!foreign", "!other", "!retired"}).Draw(t, "mark"))
		}
	}
	looks := rapid.SampledFrom([]string{"", "thing@h0", "disk@h1 net@h1", "bare@h2"})
	return strings.Join(w, " "), strings.Join(a, " "), strings.Join(l, " "), looks.Draw(t, "unknown"), looks.Draw(t, "partial")
}

// needs draws one of the earlier words as a need.
func needs(t *rapid.T, earlier []string) string {
	if len(earlier) == 0 || rapid.Bool().Draw(t, "alone") {
		return ""
	}
	word := rapid.SampledFrom(earlier).Draw(t, "need")
	return "<" + word[:strings.IndexByte(word, '=')]
}

func TestNothingUnseenForeignOrUnlistedIsTouched(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		want, applied, live, unknown, partial := draw(rt)
		in := input(t, want, applied, live, unknown, partial)
		r := diff.Compute(in)
		refused := map[schema.Instance]diff.Class{}
		for _, f := range r.Refusals {
			refused[f.Instance] = f.Class
		}
		for _, c := range r.Changes {
			look, entry := in.World.Look(c.Instance.Host, c.Instance.ID.Kind()), in.Inventory[c.Instance]
			node := in.Want.Node(c.Instance)
			fail := func(why string) { rt.Fatalf("%s %s: %s", c.Action, c.Instance, why) }
			switch {
			case look == nil || look.Err != "":
				fail("its look failed")
			case refused[c.Instance] != "":
				fail("it is refused, too: " + string(refused[c.Instance]))
			case c.Action.Removes() && (entry == nil || entry.Retired != nil || node != nil || !look.All):
				fail("only what is listed, undeclared and observed in full goes")
			case c.Action.Removes() && c.Have.Here != nil && !c.Have.Owned:
				fail("it is not ours")
			case c.Action == actuators.Create && c.Instance.ID.Kind() == "disk" && entry != nil:
				fail("it held data")
			case len(c.Steps) > 0 && node != nil && node.Object.Meta.Manage == schema.Observe:
				fail("it is only observed")
			case len(c.Steps) > 0 && c.Have.Here != nil && !c.Have.Owned && c.Action != actuators.Adopting:
				fail("it is not ours to change")
			case len(c.Steps) > 0 && entry != nil && entry.Stuck != "":
				fail("it is frozen")
			}
			for _, need := range c.After {
				if c.Want != nil && refused[need] != "" {
					fail("it needs " + need.String() + ", which is refused")
				}
			}
		}
	})
}

// After everything that could be done was done and recorded, there is nothing left to do.
func TestAppliedThenComparedIsNothing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		want, applied, live, unknown, partial := draw(rt)
		in := input(t, want, applied, live, unknown, partial)
		r := diff.Compute(in)
		for _, c := range r.Changes {
			enact(in, c)
		}
		for _, c := range diff.Compute(in).Changes {
			rt.Errorf("%s %s again\nwant %s\napplied %s\nlive %s\nunknown %s partial %s", c.Action, c.Instance, want, applied, live, unknown, partial)
		}
	})
}

// enact is what a plan that went through leaves of a change.
func enact(in diff.Input, c *diff.Change) {
	look := in.World.Look(c.Instance.Host, c.Instance.ID.Kind())
	next := *look
	next.Found = nil
	for _, f := range look.Found {
		ours := f.Mark != nil && f.Mark.Installation == ours
		if ours && c.Was != "" && f.ID == c.Was {
			continue
		}
		if f.ID != c.Instance.ID || (!ours && c.Action != actuators.Adopting && !c.Have.Owned) {
			next.Found = append(next.Found, f)
		} else if c.Action == actuators.None {
			next.Found = append(next.Found, f)
		}
	}
	if c.Want != nil && c.Action != actuators.None {
		next.Found = append(next.Found, actuators.Observed{ID: c.Instance.ID, Mark: markOf(c), State: []byte(`{"config":` + string(c.Want) + `}`)})
	}
	in.World.Add(&next)
	delete(in.Inventory, c.Instance)
	if c.Was != "" {
		delete(in.Inventory, c.Was.On(c.Instance.Host))
	}
	if c.Entry != nil {
		in.Inventory[c.Instance] = c.Entry
	}
}

func markOf(c *diff.Change) *actuators.Mark {
	if c.Instance.ID.Kind() == "bare" {
		return nil
	}
	return &actuators.Mark{Installation: ours, ID: c.Instance.ID}
}

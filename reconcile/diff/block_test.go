package diff_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"plumbline/reconcile/diff"
	"plumbline/schema"
)

// claims are the facts that instances provide and need, in what is declared or in what was applied.
type claims struct {
	provides, needs map[schema.Instance][]schema.Fact
}

func drawClaims(t *rapid.T, all []schema.Instance) claims {
	c := claims{map[schema.Instance][]schema.Fact{}, map[schema.Instance][]schema.Fact{}}
	for _, i := range all {
		for n := range 2 {
			fact := schema.Fact{Type: "addr", Scope: "public", Value: fmt.Sprint(n)}
			if rapid.IntRange(0, 2).Draw(t, "provides") == 0 {
				c.provides[i] = append(c.provides[i], fact)
			}
			if rapid.IntRange(0, 2).Draw(t, "needs") == 0 {
				c.needs[i] = append(c.needs[i], fact)
			}
		}
	}
	return c
}

// writtenOut is what an instance waits for with all others who provide what it needs, sorted.
func (c claims) writtenOut(i schema.Instance, after, all []schema.Instance) []schema.Instance {
	out := slices.Clone(after)
	for _, other := range all {
		shares := slices.ContainsFunc(c.needs[i], func(f schema.Fact) bool { return slices.Contains(c.provides[other], f) })
		if shares && other.ID != i.ID {
			out = append(out, other)
		}
	}
	slices.SortFunc(out, schema.Instance.Compare)
	return slices.Compact(out)
}

func usesOf(facts []schema.Fact) (uses []schema.Use) {
	for _, f := range facts {
		uses = append(uses, schema.Use{Fact: f})
	}
	return uses
}

// claiming adds claims to a comparison, as facts or written out. No entry says what its node says, so that all are changes.
func claiming(in diff.Input, now, was claims, written bool) diff.Input {
	var declared, applied []schema.Instance
	for _, n := range in.Want.Nodes {
		declared = append(declared, n.Instance)
	}
	for i := range in.Inventory {
		applied = append(applied, i)
	}
	for _, n := range in.Want.Nodes {
		n.Provides = append(n.Provides, usesOf(now.provides[n.Instance])...)
		if written {
			n.After = now.writtenOut(n.Instance, n.After, declared)
		} else {
			n.Needs = usesOf(now.needs[n.Instance])
		}
	}
	for i, e := range in.Inventory {
		e.Provides, e.Pos.Line = append(e.Provides, usesOf(was.provides[i])...), 99
		if written {
			e.After = was.writtenOut(i, e.After, applied)
		} else {
			e.Needs = was.needs[i]
		}
	}
	in.Want = schema.NewGraph(in.Want.Commit, in.Want.Objects, in.Want.Nodes)
	return in
}

func TestFactsBlockWhatWrittenOutNeedsBlock(t *testing.T) {
	blocked := 0
	rapid.Check(t, func(rt *rapid.T) {
		want, applied, live, unknown, partial := drawNamed(rt, func(kind string, n int) string { return fmt.Sprintf("%s/%d@h%d", kind, n/2, n%2) })
		compute := func(in diff.Input) diff.Result {
			in.Limits = diff.Limits{Destroys: 100}
			return diff.Compute(in)
		}
		plain := input(t, want, applied, live, unknown, partial)
		var declared, listed []schema.Instance
		for _, n := range plain.Want.Nodes {
			declared = append(declared, n.Instance)
		}
		for i := range plain.Inventory {
			listed = append(listed, i)
		}
		slices.SortFunc(listed, schema.Instance.Compare)
		now, was := drawClaims(rt, declared), drawClaims(rt, listed)
		facts := compute(claiming(plain, now, was, false))
		written := compute(claiming(input(t, want, applied, live, unknown, partial), now, was, true))
		if a, b := fmt.Sprint(written.Refusals), fmt.Sprint(facts.Refusals); a != b {
			rt.Fatalf("wanted\n%s\ngot\n%s", a, b)
		}
		if a, b := instances(written), instances(facts); !slices.Equal(a, b) {
			rt.Fatalf("wanted %v\ngot %v", a, b)
		}
		for _, r := range facts.Refusals {
			if r.Class == diff.Blocked {
				blocked++
			}
		}
	})
	if blocked == 0 {
		t.Error("nothing was blocked: this tries nothing")
	}
}

func instances(r diff.Result) (out []schema.Instance) {
	for _, c := range r.Changes {
		out = append(out, c.Instance)
	}
	return out
}

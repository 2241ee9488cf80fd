package hold

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"plumbline/actuators"
	"plumbline/actuators/all"
)

// boundaries are all that the verbs of all ops have, as the registry knows them: see plumbline/reconcile/exec.
func boundaries() map[string]bool {
	out := map[string]bool{}
	kinds := all.Registry()
	for _, name := range kinds.Names() {
		kind, _ := kinds.Kind(name)
		for _, op := range kind.Ops() {
			erased, _ := kind.Op(op)
			for verb, whens := range whens(erased) {
				for _, when := range whens {
					out[when+" "+verb+" "+name+"/"+op] = true
				}
			}
		}
	}
	return out
}

// whens are the boundaries of each verb of an op. What is one-way has no way back.
func whens(op *actuators.ErasedOp) map[string][]string {
	inner := []string{"before", "locked", "during", "unlocking", "after"}
	out := map[string][]string{"preflight": {"before", "after"}, "capture": inner, "do": append(slices.Clone(inner), "armed")}
	if op.Reversal != actuators.Kept && op.Reversal != actuators.NoReversal {
		out["undo"] = inner
	}
	return out
}

// atAll wants executors to have died at every boundary: at those of all ops, and at those of the verbs without one that were passed.
func atAll(t *testing.T, died, passed map[string]bool) {
	t.Helper()
	every := boundaries()
	maps.Copy(every, passed)
	var left []string
	for b := range every {
		switch why := unreachable(b); {
		case why == "" && !died[b]:
			left = append(left, b)
		case why != "" && passed[b]:
			t.Errorf("%s is passed, and is said to be out of reach: %s", b, why)
		}
	}
	t.Logf("executors died at %d boundaries of %d", len(died), len(every))
	if len(left) > 0 {
		t.Errorf("nobody died at %d:\n%s", len(left), strings.Join(inOrder(left), "\n"))
	}
}

// unreachable tells why no executor passes a boundary of an op.
func unreachable(boundary string) string {
	return ""
}

// inOrder sorts boundaries by op, verb and when.
func inOrder(boundaries []string) []string {
	key := func(b string) string {
		words := strings.Fields(b)
		slices.Reverse(words)
		return strings.Join(words, " ")
	}
	slices.SortFunc(boundaries, func(a, b string) int { return strings.Compare(key(a), key(b)) })
	return boundaries
}

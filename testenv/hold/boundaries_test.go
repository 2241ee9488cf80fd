package hold

import (
	"slices"
	"strings"
	"testing"

	"plumbline/actuators"
	"plumbline/actuators/all"
)

// boundaries are those of the verbs of all ops, as the registry knows them, and the midst of those that change a host: see
// plumbline/reconcile/exec.
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

// whens are the boundaries of each verb of an op that an executor has to die at. What is one-way has no way back.
func whens(op *actuators.ErasedOp) map[string][]string {
	out := map[string][]string{"preflight": {"before", "after"}, "capture": {"before", "after"}, "do": {"before", "during", "after"}}
	if op.Reversal != actuators.Kept && op.Reversal != actuators.NoReversal {
		out["undo"] = []string{"before", "during", "after"}
	}
	return out
}

// kindOnly are ops that no declaration leads to, and why. The tests of their kinds hold them.
var kindOnly = map[string]string{
	"firewall/adopt": "what somebody writes by hand is never as a declaration writes it, and what differs is not adopted",
}

// atAll wants executors to have died before, after and amid every verb: of all ops, and of those without one that were passed.
func atAll(t *testing.T, died, passed map[string]bool) {
	t.Helper()
	every := boundaries()
	for b := range passed {
		if when, _, _ := strings.Cut(b, " "); when == "before" || when == "after" {
			every[b] = true
		}
	}
	var left []string
	for b := range every {
		words := strings.Fields(b)
		if why := kindOnly[words[len(words)-1]]; why != "" && (died[b] || passed[b]) {
			t.Errorf("%s was passed, though %s: it is to be played", b, why)
		} else if why == "" && !died[b] {
			left = append(left, b)
		}
	}
	t.Logf("executors died at %d boundaries of %d", len(died), len(every))
	if len(left) > 0 {
		t.Errorf("nobody died at %d:\n%s", len(left), strings.Join(inOrder(left), "\n"))
	}
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

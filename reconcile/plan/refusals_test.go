package plan_test

import (
	"testing"

	"plumbline/reconcile/diff"
	"plumbline/reconcile/plan"
)

func TestWhatWaitsForAnUnknownStateMayPassByItself(t *testing.T) {
	tests := map[string]struct {
		classes             []diff.Class
		refused, incomplete bool
	}{
		"nothing left out":            {},
		"unknown":                     {[]diff.Class{diff.Unknown}, false, true},
		"unknown and what waits":      {[]diff.Class{diff.Unknown, diff.Blocked}, false, true},
		"foreign":                     {[]diff.Class{diff.Foreign}, true, false},
		"foreign and what waits":      {[]diff.Class{diff.Foreign, diff.Blocked}, true, false},
		"foreign, and another is not": {[]diff.Class{diff.Foreign, diff.Unknown}, true, true},
	}
	for name, test := range tests {
		p := &plan.Plan{}
		for _, class := range test.classes {
			p.Refusals = append(p.Refusals, diff.Refusal{Class: class})
		}
		if p.Refused() != test.refused || p.Incomplete() != test.incomplete {
			t.Errorf("%s: refused %t, incomplete %t", name, p.Refused(), p.Incomplete())
		}
	}
}

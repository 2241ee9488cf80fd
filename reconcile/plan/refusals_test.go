package plan_test

import (
	"strings"
	"testing"
	"time"

	"plumbline/actuators"
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

func TestThePlanSaysHowOldItsViewIs(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for age, said := range map[time.Duration]bool{0: false, time.Second: false, 12 * time.Second: true} {
		p := &plan.Plan{CreatedAt: at, ObservedAt: at.Add(-age), Steps: []actuators.Step{{}}}
		var text strings.Builder
		if err := p.WriteText(&text, plan.Style{}); err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(text.String(), "seen up to 12s before"); got != said {
			t.Errorf("age %s:\n%s", age, text.String())
		}
		if got := p.Document().ObservedAt; !got.Equal(p.ObservedAt) {
			t.Errorf("the document says %s", got)
		}
	}
}

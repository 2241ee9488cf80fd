package plan_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"plumbline/actuators"
	"plumbline/reconcile/diff"
	"plumbline/reconcile/plan"
	"plumbline/schema"
)

func TestAPlanInLinesIsThePlan(t *testing.T) {
	a, b := schema.MakeID("vm", "a").On("h"), schema.MakeID("vm", "b").On("h")
	whole := plan.Plan{
		FormatVersion: plan.FormatVersion, ID: "p1", Commit: "c", EffectDigest: "sha256:x", Atomic: true,
		Changes:  []*plan.Change{{Instance: a, Lane: 1, Action: actuators.Create}, {Instance: b, Lane: 1}},
		Steps:    []actuators.Step{{ID: "s1", Instance: a, Lane: 1, Reversal: actuators.Exact}, {ID: "s2", Instance: a, Lane: 1, Reversal: actuators.Exact}},
		Gates:    []plan.Gate{{ID: "addr/public/192.0.2.1", Needs: []string{"s1"}}},
		Lanes:    []plan.Lane{{ID: 1, Objects: []schema.Instance{a, b}}},
		Refusals: []diff.Refusal{{Instance: b, Class: diff.Unknown, Text: "no answer"}},
	}
	var lines, want, got bytes.Buffer
	must(t, whole.WriteLines(&lines))
	text := lines.String()
	read, err := plan.ReadLines(&lines)
	must(t, err)
	must(t, whole.Save(&want))
	must(t, read.Save(&got))
	if got.String() != want.String() {
		t.Errorf("got  %s\nwant %s", &got, &want)
	}
	if len(read.Changes[0].Steps) != 2 || len(read.Changes[1].Steps) != 0 {
		t.Errorf("the steps do not stand at their changes")
	}
	_, headless, _ := strings.Cut(text, "\n")
	for _, broken := range []string{"", headless, text[:len(text)-9], text + text} {
		if _, err := plan.ReadLines(strings.NewReader(broken)); err == nil {
			t.Errorf("read: %s", broken)
		}
	}
	head, err := json.Marshal(whole.Head())
	must(t, err)
	if strings.Contains(string(head), "no answer") || len(whole.Changes) != 2 {
		t.Errorf("%s", head)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

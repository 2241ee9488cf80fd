package schema

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

const policyPlan = `{"resource_changes":[
	{"address":"vm/db@h1","type":"vm","host":"h1","lane":1,"change":{"actions":["update"],"before":{"cpu":1},"after":{"cpu":4}}},
	{"address":"vm/web@h2","type":"vm","host":"h2","change":{"actions":["delete"],"before":{"cpu":1},"after":null}},
	{"address":"record/x","type":"record","change":{"actions":["delete","create"],"before":null,"after":{}}}],
	"steps":[{"op":"restart"}],"complete":true}`

func TestRulesMatchWhatHasAllThatTheyName(t *testing.T) {
	for _, c := range []struct{ name, match, over, want string }{
		{"a type", `{type: "vm"}`, "", "vm/db@h1 vm/web@h2"},
		{"an action", `{change: actions: ["delete"]}`, "", "vm/web@h2"},
		{"one action among others", `{change: actions: list.MatchN(>0, "delete")}`, "", "vm/web@h2 record/x"},
		{"a bound", `{change: after: cpu: >2}`, "", "vm/db@h1"},
		{"a pattern", `{host: =~"^h[0-9]$"}`, "", "vm/db@h1 vm/web@h2"},
		{"nothing there", `{change: before: null}`, "", "record/x"},
		{"a field that is not there is no match", `{host: string}`, "", "vm/db@h1 vm/web@h2"},
		{"and neither is a default for it", `{host: *"h9" | string}`, "", "vm/db@h1 vm/web@h2"},
		{"one of two", `{type: "record" | "nat"}`, "", "record/x"},
		{"the whole plan", `{complete: true, steps: list.MatchN(>0, {op: "restart"})}`, `over: "plan",`, "-"},
		{"not the whole plan", `{complete: false}`, `over: "plan",`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := fmt.Sprintf("import \"list\"\n_used: list.MaxItems(1)\nrule: \"r\": {%s match: %s, deny: \"no\"}\n", c.over, c.match)
			verdicts, err := Judge(t.Context(), InProcess(), map[string][]byte{"p.cue": []byte(text)}, []byte(policyPlan))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, v := range verdicts {
				if v.Address == "" {
					v.Address = "-"
				}
				got = append(got, v.Address)
				if v.Rule != "r" || !v.Deny || v.Text != "no" || v.Pos.File != "p.cue" || v.Pos.Line != 3 {
					t.Errorf("%+v", v)
				}
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("matches %v, want %s", got, c.want)
			}
		})
	}
}

func TestMistakesInPoliciesNameTheirPlace(t *testing.T) {
	for text, want := range map[string]string{
		`rule: a: {match: {}, deny: "x", warn: "y"}`:   "once",
		`rule: a: {match: {}}`:                         "neither deny nor warn",
		`rule: a: {deny: "x"}`:                         "does not say what it matches",
		`rule: a: {matches: {}, deny: "x"}`:            `unknown field "matches"`,
		`rule: a: {match: {}, over: "all", deny: "x"}`: "neither",
		`rule: a: {match: {}, deny: string}`:           "cannot be read",
		`rules: {}`:                                    "has no rule",
		`rule: a: {match: {x: 1 & 2}, deny: "x"}`:      "p.cue:1",
		`rule: {`: "p.cue:1",
	} {
		err := CheckPolicies(t.Context(), InProcess(), map[string][]byte{"p.cue": []byte(text)})
		var problems Problems
		if !errors.As(err, &problems) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "p.cue") {
			t.Errorf("%s: want %q, got %v", text, want, err)
		}
	}
	two := map[string][]byte{"a.cue": []byte("rule: x: {match: {}, deny: \"1\"}"), "b.cue": []byte("rule: x: {match: {}, deny: \"2\"}")}
	if err := CheckPolicies(t.Context(), InProcess(), two); err == nil || !strings.Contains(err.Error(), "declared at a.cue:1") {
		t.Errorf("got %v", err)
	}
}

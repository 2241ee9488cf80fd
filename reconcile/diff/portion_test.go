package diff_test

import (
	"encoding/json"
	"strings"
	"testing"

	"plumbline/reconcile/diff"
	"plumbline/schema"
)

func TestKindsAndDomainsHaveLimitsOfTheirOwn(t *testing.T) {
	const two = "thing/a@h1=1 thing/b@h1=1 thing/c@h2=1 disk/d@h1=1"
	for _, c := range []struct {
		name   string
		limits diff.Limits
		expect string
	}{
		{"none", diff.Limits{}, "retire disk/d@h1; retire thing/a@h1; retire thing/b@h1; retire thing/c@h2"},
		{"a kind", diff.Limits{Kinds: map[string]diff.Portion{"thing": {Destroys: 2}}}, "retire disk/d@h1; limit thing/a@h1; limit thing/b@h1; limit thing/c@h2"},
		{"a kind by its share", diff.Limits{Kinds: map[string]diff.Portion{"thing": {Share: 1}}}, "retire disk/d@h1; retire thing/a@h1; retire thing/b@h1; retire thing/c@h2"},
		{"nothing of a kind", diff.Limits{Kinds: map[string]diff.Portion{"disk": {}}}, "retire thing/a@h1; retire thing/b@h1; retire thing/c@h2; limit disk/d@h1"},
		{"a domain", diff.Limits{Domain: "rack", Domains: &diff.Portion{Destroys: 2}}, "retire thing/c@h2; limit disk/d@h1; limit thing/a@h1; limit thing/b@h1"},
		{"hosts without the label are no domain", diff.Limits{Domain: "row", Domains: &diff.Portion{}}, "retire disk/d@h1; retire thing/a@h1; retire thing/b@h1; retire thing/c@h2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := input(t, "", two, two, "", "")
			in.Limits = c.limits
			for host, rack := range map[string]string{"h1": "r1", "h2": "r2"} {
				in.Want.Objects = append(in.Want.Objects, &schema.Object{ID: schema.MakeID("host", host), Spec: json.RawMessage(`{"site":"boston","labels":{"rack":"` + rack + `"}}`)})
			}
			in.Want = schema.NewGraph("c1", in.Want.Objects, in.Want.Nodes)
			if got := outcome(diff.Compute(in)); got != c.expect {
				t.Errorf("got  %s\nwant %s", got, c.expect)
			}
		})
	}
}

func TestALimitNamesItsRuleAndPlace(t *testing.T) {
	in := input(t, "", "thing/a@h1=1", "thing/a@h1=1", "", "")
	in.Limits.Kinds = map[string]diff.Portion{"thing": {Pos: schema.Pos{File: "/etc/plumb/plumb.cue", Line: 7, Col: 2}}}
	text := told(diff.Compute(in))
	for _, part := range []string{"take away 1 of the 1 objects of kind thing", "limits.kinds.thing (/etc/plumb/plumb.cue:7:2) lets go 0 at once", "raise it in the controller's file"} {
		if !strings.Contains(text, part) {
			t.Errorf("%q lacks %q", text, part)
		}
	}
}

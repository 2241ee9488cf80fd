package actuators_test

import (
	"encoding/json"
	"testing"

	"plumbline/actuators"
)

func TestHoldsLooksAtDecidedPathsOnly(t *testing.T) {
	for _, c := range []struct{ name, predicted, before, observed, difference string }{
		{"made as predicted", `{"config":{"a":1}}`, ``, `{"config":{"a":1,"extra":true},"status":{"x":1}}`, ""},
		{"not made", `{"config":{"a":1}}`, ``, ``, "it is not there"},
		{"not gone", ``, `{"config":{"a":1}}`, `{"config":{"a":1}}`, "it is there"},
		{"gone", ``, `{"config":{"a":1}}`, ``, ""},
		{"changed", `{"config":{"a":2,"b":1}}`, `{"config":{"a":1,"b":1}}`, `{"config":{"a":2,"b":9}}`, ""},
		{"not changed", `{"config":{"a":2}}`, `{"config":{"a":1}}`, `{"config":{"a":1}}`, "config.a is 1, not 2"},
		{"a path that vanishes must vanish", `{"config":{"b":1}}`, `{"config":{"a":1,"b":1}}`, `{"config":{"a":1,"b":1}}`, "config.a is 1, not absent"},
		{"nested", `{"config":{"m":{"now":2,"max":4}}}`, `{"config":{"m":{"now":1,"max":4}}}`, `{"config":{"m":{"now":2,"max":9}}}`, ""},
		{"a list is one value", `{"config":{"l":[1,2]}}`, `{"config":{"l":[1]}}`, `{"config":{"l":[2,1]}}`, "config.l is [2,1], not [1,2]"},
		{"empty is absent", `{"config":{"a":1,"l":[],"m":{"n":{}}}}`, ``, `{"config":{"a":1}}`, ""},
		{"64-bit sizes keep every digit", `{"config":{"a":9007199254740993}}`, ``, `{"config":{"a":9007199254740992}}`, "config.a is 9007199254740992, not 9007199254740993"},
		{"status is not compared", `{"config":{"a":1},"status":{"x":1}}`, ``, `{"config":{"a":1},"status":{"x":2}}`, ""},
		{"a map in place of a scalar", `{"config":{"a":{"b":1}}}`, `{"config":{"a":1}}`, `{"config":{"a":1}}`, `config.a is 1, not {"b":1}`},
	} {
		ok, difference := actuators.Holds(json.RawMessage(c.predicted), json.RawMessage(c.before), json.RawMessage(c.observed))
		if ok != (c.difference == "") || difference != c.difference {
			t.Errorf("%s: %v %q, want %q", c.name, ok, difference, c.difference)
		}
	}
}

func TestSameConfigComparesAllPathsBothWays(t *testing.T) {
	for _, c := range []struct{ want, have, difference string }{
		{`{"config":{"a":1},"status":{"x":1}}`, `{"config":{"a":1}}`, ""},
		{``, ``, ""},
		{`{"config":{"a":1}}`, `{"config":{"a":1,"b":2}}`, "config.b is 2, not absent"},
		{`{"config":{"a":1,"b":2}}`, `{"config":{"a":1}}`, "config.b is absent, not 2"},
		{``, `{"config":{"a":1}}`, "it is there"},
	} {
		if _, difference := actuators.SameConfig(json.RawMessage(c.want), json.RawMessage(c.have)); difference != c.difference {
			t.Errorf("%s against %s: %q, want %q", c.have, c.want, difference, c.difference)
		}
	}
}

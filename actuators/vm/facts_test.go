package vm

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"plumbline/schema"
)

func provided(t *testing.T, change func(s *Spec)) []string {
	t.Helper()
	s := declared(t, nil)
	change(s)
	spec, _ := json.Marshal(s)
	facts, err := Kind.Facts(payroll.On("host1"), spec)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, use := range facts.Provides {
		if use.Exclusive {
			all = append(all, use.Fact.String())
		}
	}
	return all
}

// Two spellings of one address are one fact, for those that need it and for a second VM that claims it.
func TestAddressIsAFactInOneSpelling(t *testing.T) {
	got := provided(t, func(s *Spec) { s.NICs[0].Address = "FD00:0::00A" })
	if !slices.Contains(got, schema.Fact{Type: "addr", Scope: "app-boston", Value: "fd00::a"}.String()) {
		t.Errorf("got %v", got)
	}
}

func TestConsoleClaimsItsFile(t *testing.T) {
	got := provided(t, func(s *Spec) { s.Serial = "/pools//vmdisks/d.qcow2" })
	if !slices.Contains(got, schema.Fact{Type: "file", Scope: "host1", Value: "/pools/vmdisks/d.qcow2"}.String()) {
		t.Errorf("got %v", got)
	}
}

func TestNamesThatCannotBeSetAsideAreProblems(t *testing.T) {
	spec, _ := json.Marshal(declared(t, nil))
	for name, want := range map[string]int{"payroll": 0, strings.Repeat("v", 201): 1, "payroll.plumb-retired-17": 1} {
		_, _, problems := Kind.Resolve(schema.MakeID("vm", name), schema.Place{Host: "host1", Hosts: []string{"host1"}}, spec, lookup)
		if len(problems) != want {
			t.Errorf("%.30s: problems %v, want %d", name, problems, want)
		}
	}
}

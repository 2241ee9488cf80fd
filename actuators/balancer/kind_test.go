package balancer

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"plumbline/actuators"
	"plumbline/actuators/internal/kindtest"
	"plumbline/actuators/internal/nft"
	"plumbline/actuators/internal/nft/nfttest"
	"plumbline/schema"
)

func TestMain(m *testing.M) { nfttest.Main(m) }

func TestFixtureCoversTheSpec(t *testing.T) { kindtest.TwoWays[Spec](t, "testdata/full.json") }

const (
	b12 = "10.1.1.12:80"
	b13 = "10.1.1.13:80"
	b14 = "10.1.1.14:80"
)

func payroll(addresses ...string) Spec {
	s := Spec{Public: "203.0.113.3", Port: 80, Proto: "tcp", Network: "app-boston", By: "chance", Check: Check{Timeout: "1s"}, Masquerade: true}
	for _, a := range addresses {
		s.Backends = append(s.Backends, Backend{Address: a, Port: 80})
	}
	return s
}

func live(backends ...string) Config {
	return Config{Service: "203.0.113.3:80/tcp", Backends: backends, By: "chance", Masquerade: true}
}

func TestConfigIsReadFromItsElements(t *testing.T) {
	for _, c := range []Config{live(b12), live(b12, b13), {Service: "203.0.113.3:53/udp", Backends: []string{b12, b13, b14}, By: "source"}} {
		if d := cmp.Diff(c, configOf(c.elements(), nil)); d != "" {
			t.Error(d)
		}
	}
}

func TestDamageShowsInTheConfig(t *testing.T) {
	elements := live(b12, b13).elements()
	tests := map[string]struct {
		without string
		want    Config
	}{
		"no dispatch":     {nft.Balancers, Config{Service: "203.0.113.3:80/tcp", Backends: []string{b12, b13}, Masquerade: true}},
		"no masquerade":   {nft.Masq, Config{Service: "203.0.113.3:80/tcp", Backends: []string{b12, b13}, By: "chance"}},
		"a backend fewer": {"#0", Config{Service: "203.0.113.3:80/tcp", Backends: []string{b13}, By: "spread-2", Masquerade: true, Stray: []string{"backends 203.0.113.3:80/tcp#1"}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var left []nft.Element
			for _, e := range elements {
				if e.Set != test.without && e.Key != "203.0.113.3:80/tcp"+test.without {
					left = append(left, e)
				}
			}
			if d := cmp.Diff(test.want, configOf(left, nil)); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestStepsOfAnUpdate(t *testing.T) {
	source := payroll("10.1.1.12")
	source.By = "source"
	damaged := live(b13)
	damaged.Stray = []string{"backends 203.0.113.3:80/tcp#1"}
	tests := []struct {
		name string
		want Spec
		have Config
		ops  []string
	}{
		{"one more", payroll("10.1.1.12", "10.1.1.13"), live(b12), []string{"add-backend let " + b13 + " in"}},
		{"one fewer", payroll("10.1.1.12"), live(b12, b13), []string{"remove-backend take " + b13 + " out; its connections go on"}},
		{"all others: the new ones enter first", payroll("10.1.1.14"), live(b12, b13), []string{
			"add-backend let " + b14 + " in",
			"remove-backend take " + b12 + " out; its connections go on",
			"remove-backend take " + b13 + " out; its connections go on"}},
		{"another way to choose", source, live(b12), []string{"replace rewrite 203.0.113.3:80/tcp over " + b12}},
		{"damage is mended before the lost one enters", payroll("10.1.1.12", "10.1.1.13"), damaged, []string{
			"replace rewrite 203.0.113.3:80/tcp over " + b13, "add-backend let " + b12 + " in"}},
		{"one twice", payroll("10.1.1.12"), live(b12, b12), []string{"replace rewrite 203.0.113.3:80/tcp over " + b12}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			have := actuators.Have[State]{Here: &State{Config: test.have}, Owned: true}
			d := diff(&test.want, have)
			got, err := steps(actuators.Subject{}, d, &test.want, have)
			if err != nil {
				t.Fatal(err)
			}
			var ops []string
			for _, s := range got {
				ops = append(ops, s.Op+" "+s.Summary)
			}
			if d := cmp.Diff(test.ops, ops); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestProblems(t *testing.T) {
	s := payroll("10.1.1.12", "10.1.1.12")
	s.Check.Timeout = "1h"
	var paths []string
	for _, p := range validate("balancer/payroll", schema.Place{}, &s, actuators.Lookup{}) {
		paths = append(paths, p.Path)
	}
	if d := cmp.Diff([]string{"check.timeout", "backends.1"}, paths); d != "" {
		t.Error(d)
	}
}

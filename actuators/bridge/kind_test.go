package bridge

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"plumbline/actuators"
	"plumbline/actuators/internal/kindtest"
	"plumbline/schema"
)

func TestFixtureCoversTheSpec(t *testing.T) { kindtest.TwoWays[Spec](t, "testdata/full.json") }

func resolved(s Spec) *Spec {
	resolve("bridge/app", schema.Place{}, &s, actuators.Lookup{})
	return &s
}

func TestDiffAndSteps(t *testing.T) {
	want := resolved(Spec{Ports: []string{"eth2", "eth1"}})
	there := func(c Config) *State { return &State{Config: c} }
	for _, c := range []struct {
		name   string
		want   *Spec
		have   actuators.Have[State]
		action actuators.Action
		steps  string
		err    string
	}{
		{"new", want, actuators.Have[State]{}, actuators.Create, "create", ""},
		{"same, in another order", want, actuators.Have[State]{Owned: true, Here: there(Config{Interface: "app", Ports: []string{"eth1", "eth2"}})}, actuators.None, "", ""},
		{"a port too much and one down", want, actuators.Have[State]{Owned: true, Here: there(Config{Interface: "app", Ports: []string{"eth1", "eth2", "eth3"}, Down: []string{"eth1"}})}, actuators.Update, "set-ports up", ""},
		{"another MTU", resolved(Spec{MTU: 1400}), actuators.Have[State]{Owned: true, Here: there(Config{Interface: "app", MTU: 1500})}, actuators.Update, "set-mtu", ""},
		{"renamed", resolved(Spec{Interface: "br0"}), actuators.Have[State]{Owned: true, Here: there(Config{Interface: "app"})}, actuators.Update, "", "cannot rename bridge app"},
		{"not ours", want, actuators.Have[State]{Here: there(Config{Interface: "app"})}, actuators.Adopting, "adopt", ""},
		{"a card has its name", want, actuators.Have[State]{Here: &State{Status: Status{Kind: "veth"}}}, actuators.Adopting, "", "it is no bridge"},
		{"removed", nil, actuators.Have[State]{Owned: true, Here: there(Config{Interface: "app"})}, actuators.Retire, "remove", ""},
		{"removed and gone", nil, actuators.Have[State]{}, actuators.None, "", ""},
	} {
		d := diff(c.want, c.have)
		steps, err := steps(actuators.Subject{Instance: schema.ID("bridge/app").On("jino0")}, d, c.want, c.have)
		var ops []string
		for _, step := range steps {
			ops = append(ops, step.Op)
		}
		if d.Action != c.action || strings.Join(ops, " ") != c.steps {
			t.Errorf("%s: %s with steps %v, want %s with %q", c.name, d.Action, ops, c.action, c.steps)
		}
		if (err != nil) != (c.err != "") || err != nil && (!errors.Is(err, actuators.ErrRefused) || !strings.Contains(err.Error(), c.err)) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.err)
		}
	}
}

func TestMistakesAreTold(t *testing.T) {
	s := Spec{Ports: []string{"eth1", "a-very-long-bridge", "eth1"}}
	problems := resolve("bridge/a-very-long-bridge", schema.Place{}, &s, actuators.Lookup{})
	var paths []string
	for _, p := range problems {
		paths = append(paths, p.Path)
	}
	if want := []string{"", "ports.1", "ports.2"}; !slices.Equal(paths, want) {
		t.Errorf("problems at %q, want %q: %v", paths, want, problems)
	}
}

func TestAPortIsClaimed(t *testing.T) {
	s := *resolved(Spec{Ports: []string{"eth1"}})
	var facts []string
	for _, use := range provides(schema.ID("bridge/app").On("jino0"), s) {
		facts = append(facts, use.Fact.String())
		if !use.Exclusive {
			t.Errorf("%s is not exclusive", use.Fact)
		}
	}
	if want := []string{"dev/jino0/app", "plug/jino0/eth1"}; !slices.Equal(facts, want) {
		t.Errorf("provides %q, want %q", facts, want)
	}
}

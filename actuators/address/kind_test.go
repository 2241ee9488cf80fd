package address

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"plumbline/actuators"
	"plumbline/actuators/internal/kindtest"
	"plumbline/schema"
)

func TestFixtureCoversTheSpec(t *testing.T) { kindtest.TwoWays[Spec](t, "testdata/full.json") }

var app = Spec{Interface: "eth1", Address: "10.1.1.3/24", Network: "app-boston"}

func TestDiffAndSteps(t *testing.T) {
	at := func(c Config) *State { return &State{Config: c} }
	for _, c := range []struct {
		name   string
		want   *Spec
		have   actuators.Have[State]
		action actuators.Action
		steps  string
	}{
		{"new", &app, actuators.Have[State]{}, actuators.Create, "add"},
		{"same", &app, actuators.Have[State]{Owned: true, Here: at(Config{Interface: "eth1", Address: "10.1.1.3/24"})}, actuators.None, ""},
		{"same, in a longer form", &Spec{Interface: "eth1", Address: "2001:db8:0:0::1/64"}, actuators.Have[State]{Owned: true, Here: at(Config{Interface: "eth1", Address: "2001:db8::1/64"})}, actuators.None, ""},
		{"another address", &app, actuators.Have[State]{Owned: true, Here: at(Config{Interface: "eth1", Address: "10.1.1.4/24"})}, actuators.Update, "move"},
		{"another interface", &app, actuators.Have[State]{Owned: true, Here: at(Config{Interface: "eth2", Address: "10.1.1.3/24"})}, actuators.Update, "move"},
		{"switched off", &app, actuators.Have[State]{Owned: true, Here: at(Config{Interface: "eth1", Address: "10.1.1.3/24", Down: true})}, actuators.Update, "up"},
		{"not ours", &app, actuators.Have[State]{Here: at(Config{Interface: "eth1", Address: "10.1.1.3/24"})}, actuators.Adopting, "adopt"},
		{"removed", nil, actuators.Have[State]{Owned: true, Here: at(Config{Interface: "eth1", Address: "10.1.1.3/24"})}, actuators.Retire, "remove"},
		{"removed and gone", nil, actuators.Have[State]{}, actuators.None, ""},
	} {
		d := diff(c.want, c.have)
		steps, err := steps(actuators.Subject{Instance: schema.ID("address/app").On("edge1")}, d, c.want, c.have)
		var ops []string
		for _, step := range steps {
			ops = append(ops, step.Op)
		}
		if err != nil || d.Action != c.action || strings.Join(ops, " ") != c.steps {
			t.Errorf("%s: %s with steps %v, error %v, want %s with %q", c.name, d.Action, ops, err, c.action, c.steps)
		}
	}
}

func TestMistakesAreTold(t *testing.T) {
	network := func(schema.ID) (json.RawMessage, []string, bool) {
		return json.RawMessage(`{"cidr":"10.1.1.0/24"}`), []string{"edge1"}, true
	}
	for text, c := range map[string]struct {
		spec  Spec
		hosts []string
	}{
		"":                           {app, []string{"edge1"}},
		"is not within 10.1.1.0/24":  {Spec{Interface: "eth1", Address: "10.1.2.3/24", Network: "app-boston"}, nil},
		"2 hosts would have the":     {app, []string{"edge1", "edge2"}},
		"is no address with the len": {Spec{Address: "10.1.1.3"}, nil},
	} {
		kind := *Kind
		spec, _ := json.Marshal(c.spec)
		_, _, problems := kind.Resolve("address/app", schema.Place{Host: "edge1", Hosts: c.hosts}, spec, network)
		var got []string
		for _, p := range problems {
			got = append(got, p.Text)
		}
		if (text == "") != (len(got) == 0) || !strings.Contains(strings.Join(got, "; "), text) {
			t.Errorf("%+v: problems %q, want %q", c.spec, got, text)
		}
	}
}

func TestFacts(t *testing.T) {
	var facts []string
	i := schema.ID("address/app").On("edge1")
	for _, use := range append(provides(i, app), needs(i, app)...) {
		facts = append(facts, use.Fact.String())
	}
	if want := []string{"addr/app-boston/10.1.1.3", "reach/app-boston/edge1", "dev/edge1/eth1"}; !slices.Equal(facts, want) {
		t.Errorf("facts %q, want %q", facts, want)
	}
}

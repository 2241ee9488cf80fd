package network

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"plumbline/actuators"
	"plumbline/actuators/internal/kindtest"
	"plumbline/schema"
)

func TestFixtureCoversTheSpec(t *testing.T) { kindtest.TwoWays[Spec](t, "testdata/full.json") }

func spec(bridge string) *Spec {
	return &Spec{Bridge: bridge, CIDR: "10.1.1.0/24", Resolved: Resolved{Interface: bridge}}
}

func TestDiffAndSteps(t *testing.T) {
	want := spec("app")
	good := Config{Bridge: "app", Mode: "bridge", Active: true, Autostart: true}
	but := func(change func(c *Config)) actuators.Have[State] {
		c := good
		change(&c)
		return actuators.Have[State]{Owned: true, Here: &State{Config: c}}
	}
	for _, c := range []struct {
		name   string
		want   *Spec
		have   actuators.Have[State]
		action actuators.Action
		steps  string
		err    string
	}{
		{"new", want, actuators.Have[State]{}, actuators.Create, "create", ""},
		{"same", want, but(func(*Config) {}), actuators.None, "", ""},
		{"stopped", want, but(func(c *Config) { c.Active = false }), actuators.Update, "start", ""},
		{"no autostart", want, but(func(c *Config) { c.Autostart = false }), actuators.Update, "start", ""},
		{"another bridge, and stopped", want, but(func(c *Config) { c.Bridge, c.Active = "br0", false }), actuators.Update, "redefine", ""},
		{"another mode", want, but(func(c *Config) { c.Mode = "nat" }), actuators.Update, "", `forwards in mode "nat"`},
		{"not ours", want, actuators.Have[State]{Here: &State{Config: good}}, actuators.Adopting, "adopt", ""},
		{"removed", nil, but(func(*Config) {}), actuators.Retire, "remove", ""},
		{"removed and gone", nil, actuators.Have[State]{}, actuators.None, "", ""},
	} {
		d := diff(c.want, c.have)
		steps, err := steps(actuators.Subject{Instance: schema.ID("network/app-boston").On("jino0")}, d, c.want, c.have)
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

func TestResolve(t *testing.T) {
	bridge := func(schema.ID) (json.RawMessage, []string, bool) {
		return json.RawMessage(`{"interface":"br-app"}`), []string{"jino0"}, true
	}
	for _, c := range []struct{ host, spec, problem, remedy string }{
		{"jino0", `{"bridge":"app","cidr":"10.1.1.0/24","gateway":"10.1.1.1"}`, "", ""},
		{"jino1", `{"bridge":"app","cidr":"10.1.1.0/24"}`, "bridge/app is not on jino1", "add the host"},
		{"jino0", `{"bridge":"app","cidr":"10.1.1.7/24"}`, "is an address within a network", "did you mean 10.1.1.0/24?"},
		{"jino0", `{"bridge":"app","cidr":"10.1.1.0/24","gateway":"10.1.2.1"}`, "10.1.2.1 is not within 10.1.1.0/24", "choose"},
	} {
		resolved, _, problems := Kind.Resolve("network/app-boston", schema.Place{Host: c.host}, json.RawMessage(c.spec), bridge)
		if !strings.Contains(string(resolved), `"resolved":{"interface":"br-app"}`) {
			t.Errorf("resolved %s", resolved)
		}
		if (len(problems) > 0) != (c.problem != "") {
			t.Errorf("%s: problems %v", c.spec, problems)
		}
		for _, p := range problems {
			if !strings.Contains(p.Text, c.problem) || !strings.Contains(p.Remedy, c.remedy) {
				t.Errorf("%s: problem %+v, want %q with %q", c.spec, p, c.problem, c.remedy)
			}
		}
	}
}

func TestAMarkIsPutIntoADefinitionAndFoundAgain(t *testing.T) {
	m := actuators.Mark{Installation: "boston", ID: "network/a", Hash: "h"}
	for _, text := range []string{
		`<network><name>a</name><uuid>u</uuid></network>`,
		`<network><name>a</name><metadata/></network>`,
		`<network><name>a</name><metadata><x:y xmlns:x='urn:x'/></metadata></network>`,
	} {
		_, after, _ := strings.Cut(marked(text, m, "u"), "<metadata>")
		inner, _, _ := strings.Cut(after, "</metadata>")
		if got := readMark(inner, "u"); got == nil || *got != m {
			t.Errorf("%s: %s: %+v", text, inner, got)
		}
		if got := readMark(inner, "another"); got != nil {
			t.Errorf("the copy of another network is taken for ours")
		}
		if strings.Contains(text, "urn:x") && !strings.Contains(inner, "urn:x") {
			t.Errorf("lost: %s", inner)
		}
	}
}

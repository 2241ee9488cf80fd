package vip

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plumbline/actuators"
	"plumbline/actuators/internal/kindtest"
	"plumbline/schema"
)

func TestFixtureCoversTheSpec(t *testing.T) { kindtest.TwoWays[Spec](t, "testdata/full.json") }

var router = Router{Interface: "eth2", Address: "203.0.113.3/24", VRID: 51, Priority: 150, Advert: 200}

func spec(change func(s *Spec)) *Spec {
	s := Spec{Interface: "eth2", Address: "203.0.113.3/24", VRID: 51, Advert: "200ms"}
	if change != nil {
		change(&s)
	}
	resolve("vip/edge-public", schema.Place{Host: "edge1", Hosts: []string{"edge1", "edge2"}}, &s, actuators.Lookup{})
	return &s
}

func TestDiffAndSteps(t *testing.T) {
	here := func(c Config, holds bool) actuators.Have[State] {
		return actuators.Have[State]{Owned: true, Here: &State{Config: c, Status: Status{Holds: holds}}}
	}
	for _, c := range []struct {
		name   string
		want   *Spec
		have   actuators.Have[State]
		action actuators.Action
		steps  string
	}{
		{"new", spec(nil), actuators.Have[State]{}, actuators.Create, "create"},
		{"same", spec(nil), here(Config{Router: router}, true), actuators.None, ""},
		{"same, and another host has it: a failover is no difference", spec(nil), here(Config{Router: router}, false), actuators.None, ""},
		{"another address", spec(func(s *Spec) { s.Address = "203.0.113.4/24" }), here(Config{Router: router}, true), actuators.Update, "update"},
		{"edited", spec(nil), here(Config{Router: router, Edited: "x"}, true), actuators.Update, "update"},
		{"stopped", spec(nil), here(Config{Router: router, Stopped: true}, false), actuators.Update, "run"},
		{"stopped and edited", spec(nil), here(Config{Router: router, Edited: "x", Stopped: true}, false), actuators.Update, "update"},
		{"not ours", spec(nil), actuators.Have[State]{Here: &State{Config: Config{Router: router}}}, actuators.Adopting, "adopt"},
		{"removed", nil, here(Config{Router: router}, true), actuators.Retire, "remove"},
		{"removed and gone", nil, actuators.Have[State]{}, actuators.None, ""},
	} {
		d := diff(c.want, c.have)
		steps, err := steps(actuators.Subject{Instance: schema.ID("vip/edge-public").On("edge1")}, d, c.want, c.have)
		var ops []string
		for _, step := range steps {
			ops = append(ops, step.Op)
		}
		if err != nil || d.Action != c.action || strings.Join(ops, " ") != c.steps {
			t.Errorf("%s: %s with steps %v, error %v, want %s with %q", c.name, d.Action, ops, err, c.action, c.steps)
		}
	}
}

func TestTheFirstHostHasTheHighestPriority(t *testing.T) {
	for host, want := range map[string]int{"edge1": 150, "edge2": 149} {
		s := *spec(nil)
		resolve("vip/edge-public", schema.Place{Host: host, Hosts: []string{"edge1", "edge2"}}, &s, actuators.Lookup{})
		if s.Resolved.Priority != want {
			t.Errorf("%s: priority %d, want %d", host, s.Resolved.Priority, want)
		}
	}
}

func TestAFileIsReadAsItWasWritten(t *testing.T) {
	m := actuators.Mark{Installation: "boston", ID: "vip/edge-public", Hash: "h"}
	for _, r := range []Router{router, {Interface: "bond0.7", Address: "10.0.0.1/32", VRID: 255, Priority: 1, Advert: 40950}, {Interface: "e", Address: "10.0.0.1/8", VRID: 1, Priority: 255, Advert: 10, Failback: 60, Group: "edge"}} {
		content := text("edge-public", m, r)
		c, mark := parse("edge-public", content)
		if d := cmp.Diff(Config{Router: r}, c); d != "" || mark == nil || *mark != m {
			t.Errorf("%s: mark %v, %s", content, mark, d)
		}
		for what, other := range map[string]string{
			"a word more":     strings.Replace(content, "    priority", "    dont_track_primary\n    priority", 1),
			"another state":   strings.Replace(content, "BACKUP", "MASTER", 1),
			"a second router": content + content,
		} {
			if c, _ := parse("edge-public", other); c.Edited == "" {
				t.Errorf("%s is not seen", what)
			}
		}
		if _, mark := parse("copy", content); mark != nil {
			t.Error("a copy under another name is taken for ours")
		}
	}
}

func TestAMainFileThatReadsOurFilesIsGood(t *testing.T) {
	for content, good := range map[string]bool{
		"": true, mainText: true,
		"global_defs {\n}\ninclude conf.d/*.conf\n":           true,
		"include_match /etc/keepalived/conf.d/*.conf\n":       true,
		"global_defs {\n}\n":                                  false,
		"# include conf.d/*.conf\n":                           false,
		"include conf.d/*.conf.old\ninclude other/*.conf\n\n": false,
	} {
		if err := mustInclude(content); (err == nil) != good {
			t.Errorf("%q: %v", content, err)
		}
	}
}

func TestMistakesAreTold(t *testing.T) {
	network := func(schema.ID) (json.RawMessage, []string, bool) {
		return json.RawMessage(`{"cidr":"10.1.1.0/24"}`), nil, true
	}
	for spec, want := range map[string][]string{
		`{"interface":"e","address":"10.1.1.9/24","vrid":1,"advert":"1s","network":"n"}`:  nil,
		`{"interface":"e","address":"10.1.2.9/24","vrid":1,"advert":"1s","network":"n"}`:  {"address"},
		`{"interface":"e","address":"2001:db8::1/64","vrid":1,"advert":"1s"}`:             {"address"},
		`{"interface":"e","address":"10.1.1.9","vrid":1,"advert":"15ms","network":"n"}`:   {"advert", "address"},
		`{"interface":"e","address":"10.1.1.9/24","vrid":1,"advert":"41s","network":"n"}`: {"advert"},
		`{"interface":"e","address":"10.1.1.9/24","vrid":1,"failback":"90m"}`:             {"failback"},
	} {
		_, _, problems := Kind.Resolve("vip/a", schema.Place{Host: "edge1", Hosts: []string{"edge1"}}, json.RawMessage(spec), network)
		var paths []string
		for _, p := range problems {
			paths = append(paths, p.Path)
		}
		if !slices.Equal(paths, want) {
			t.Errorf("%s: problems at %q, want %q: %v", spec, paths, want, problems)
		}
	}
}

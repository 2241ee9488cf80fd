package record

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"plumbline/actuators"
	"plumbline/actuators/internal/dns"
	"plumbline/actuators/internal/kindtest"
	"plumbline/schema"
)

func TestFixtureCoversTheSpec(t *testing.T) { kindtest.TwoWays[Spec](t, "testdata/full.json") }

func lookup(id schema.ID) (spec json.RawMessage, hosts []string, ok bool) {
	if id != "zone/z.test" {
		return nil, nil, false
	}
	return json.RawMessage(`{"server":"127.0.0.1:53","key":{"name":"k","algorithm":"hmac-sha256","secret":"s"}}`), []string{"ns1"}, true
}

func TestResolve(t *testing.T) {
	for _, c := range []struct{ id, spec, want, problem string }{
		{"record/www.z.test", `{"zone":"z.test","a":["10.0.0.2","10.0.0.1","10.0.0.2"],"ttl":60,"scope":"public"}`,
			`"a":["10.0.0.1","10.0.0.2"],"ttl":60,"scope":"public","resolved":{"server":{"address":"127.0.0.1:53","zone":"z.test","key":{"name":"k"`, ""},
		{"record/www.z.test", `{"zone":"z.test","aaaa":["2001:DB8:0::3"],"ttl":60}`, `"aaaa":["2001:db8::3"]`, ""},
		{"record/www.z.test", `{"zone":"z.test","cname":"Web.Z.test","ttl":60}`, `"cname":"web.z.test"`, ""},
		{"record/z.test", `{"zone":"z.test","txt":["x"],"ttl":60}`, ``, ""},
		{"record/www.other.test", `{"zone":"z.test","txt":["x"]}`, ``, "www.other.test does not lie in zone z.test"},
		{"record/WWW.z.test", `{"zone":"z.test","txt":["x"]}`, ``, "write www.z.test"},
		{"record/www.z.test", `{"zone":"z.test","a":["2001:db8::3"]}`, ``, "2001:db8::3 is no address for A records"},
		{"record/www.z.test", `{"zone":"z.test","cname":"x.test","a":["10.0.0.1"]}`, ``, "a name with cname has no other data"},
		{"record/www.z.test", `{"zone":"z.test"}`, ``, "it has no data; give a, aaaa, cname or txt"},
	} {
		got, _, problems := Kind.Resolve(schema.ID(c.id), schema.Place{Host: "ns1"}, json.RawMessage(c.spec), lookup)
		text := ""
		for _, p := range problems {
			text += p.Text + "; " + p.Remedy
		}
		if !strings.Contains(string(got), c.want) || (text == "") != (c.problem == "") || !strings.Contains(text, c.problem) {
			t.Errorf("%s %s:\n got %s, problems %q", c.id, c.spec, got, text)
		}
	}
}

func TestFacts(t *testing.T) {
	facts, err := Kind.Facts(schema.ID("record/www.z.test").On("ns1"), json.RawMessage(`{"zone":"z.test","a":["10.0.0.1"],"aaaa":["2001:db8::3"],"scope":"app"}`))
	want := []schema.Use{
		{Fact: schema.Fact{Type: "addr", Scope: "app", Value: "10.0.0.1"}, Path: "a.0"},
		{Fact: schema.Fact{Type: "addr", Scope: "app", Value: "2001:db8::3"}, Path: "aaaa.0"},
	}
	if err != nil || !reflect.DeepEqual(facts.Needs, want) || !reflect.DeepEqual(facts.Share, []string{"zone/z.test"}) {
		t.Fatalf("got %+v, %v", facts, err)
	}
}

func state(c Config, ours ...string) *State {
	return &State{Config: c, Status: Status{Types: ours}}
}

func TestDiffAndSteps(t *testing.T) {
	want := &Spec{Zone: "z.test", A: []string{"10.0.0.1"}, TTL: 60}
	same := state(Config{A: []string{"10.0.0.1"}, TTL: 60}, "A")
	taken := state(Config{TTL: 60}, "TXT")
	taken.Status.Others = []dns.RRset{{Name: "www.z.test", Type: "A", Data: []string{"10.0.0.9"}}}
	alias := &Spec{Zone: "z.test", CNAME: "web.z.test", TTL: 60}
	mixed := state(Config{TXT: []string{"x"}, TTL: 60}, "TXT")
	mixed.Status.Others = []dns.RRset{{Name: "www.z.test", Type: "AAAA", Data: []string{"::1"}}}
	for _, c := range []struct {
		name  string
		want  *Spec
		have  actuators.Have[State]
		steps string // op, summary and hold
		err   error
	}{
		{"new", want, actuators.Have[State]{}, "set set A 10.0.0.1 0s", nil},
		{"same", want, actuators.Have[State]{Here: same, Owned: true}, "", nil},
		{"other ttl", &Spec{A: want.A, TTL: 5}, actuators.Have[State]{Here: same, Owned: true}, "set set A 10.0.0.1 1m0s", nil},
		{"mixed ttl", want, actuators.Have[State]{Here: state(Config{A: want.A, TTLs: map[string]uint32{"A": 60, "TXT": 7200}}, "A", "TXT"), Owned: true}, "set set A 10.0.0.1 1h0m0s", nil},
		{"foreign", want, actuators.Have[State]{Here: same}, "adopt mark www.z.test 0s", nil},
		{"removed", nil, actuators.Have[State]{Here: same, Owned: true}, "remove remove A 1m0s", nil},
		{"gone", nil, actuators.Have[State]{}, "", nil},
		{"type of somebody else", want, actuators.Have[State]{Here: taken, Owned: true}, "", actuators.ErrForeign},
		{"alias beside data of somebody else", alias, actuators.Have[State]{Here: mixed, Owned: true}, "", actuators.ErrRefused},
	} {
		sub := actuators.Subject{Instance: schema.ID("record/www.z.test").On("ns1")}
		steps, err := steps(sub, diff(c.want, c.have), c.want, c.have)
		text := ""
		for _, s := range steps {
			text += s.Op + " " + s.Summary + " " + s.Hold.Round(time.Second).String()
		}
		if text != c.steps || !errors.Is(err, c.err) {
			t.Errorf("%s: got %q, %v; want %q, %v", c.name, text, err, c.steps, c.err)
		}
	}
}

func TestSecretsAreOnlyNamedInParams(t *testing.T) {
	want := &Spec{Zone: "z.test", A: []string{"10.0.0.1"}, Resolved: Resolved{Server: dns.Server{Key: dns.Key{Name: "k", Secret: actuators.Secret{Name: "tsig-boston"}}}}}
	steps, err := steps(actuators.Subject{Instance: schema.ID("record/z.test").On("ns1")}, actuators.Diff{Action: actuators.Create}, want, actuators.Have[State]{})
	if err != nil || !strings.Contains(string(steps[0].Params), `"secret":"tsig-boston"`) {
		t.Fatalf("got %s, %v", steps[0].Params, err)
	}
}

func TestTextSurvivesTheWire(t *testing.T) {
	for _, text := range []string{"", "plain", `a "quoted" \ text`, "line\nbreak", "ümlaut", strings.Repeat("x", 600), `; $ORIGIN (`} {
		if got := dns.UnquoteText(dns.QuoteText(text)); got != text {
			t.Errorf("%q became %q", text, got)
		}
	}
}

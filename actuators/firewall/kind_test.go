package firewall

import (
	"encoding/json"
	"strings"
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

var mark = actuators.Mark{Installation: "boston", ID: "firewall/edge", Hash: "0"}

func full() Config {
	return Config{
		On: "input", Default: "drop", Interfaces: []string{"eth2"},
		Deny:  []Rule{{From: []string{"198.51.100.66"}}},
		Allow: []Rule{{Proto: "tcp", Ports: []Ports{"80", "8000-8010"}, From: []string{"192.0.2.0/24", "2001:db8::/32"}}, {Proto: "vrrp"}, {Proto: "udp", Ports: []Ports{"1-65535"}}},
	}
}

func TestConfigIsReadFromItsChain(t *testing.T) {
	for _, c := range []Config{full(), {On: "forward", Default: "accept"}} {
		f, err := render("edge", mark, c)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(c, parse("edge", f)); d != "" {
			t.Error(d)
		}
		if got := f.Mark(); got == nil || *got != mark {
			t.Errorf("mark %v", got)
		}
	}
}

func TestAChainSurvivesTheJournal(t *testing.T) {
	f, err := render("edge", mark, full())
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(captured{f})
	if err != nil {
		t.Fatal(err)
	}
	var back captured
	if err := json.Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	if !f.Same(back.Filter) {
		t.Errorf("it went in as %s and came out otherwise", data)
	}
}

func TestAlteredNamesWhatDiffers(t *testing.T) {
	tests := map[string]struct {
		change func(f *nft.Filter)
		want   []string
	}{
		"a rule more":  {func(f *nft.Filter) { f.Rules = append(f.Rules, nft.Rule("", nft.Accept())) }, []string{"rule 10"}},
		"a rule fewer": {func(f *nft.Filter) { f.Rules = f.Rules[1:] }, []string{"rule 1", "rule 2", "rule 3", "rule 4", "rule 5", "rule 6", "rule 7", "rule 8", "rule 9"}},
		"another end": {func(f *nft.Filter) {
			f.Rules[4] = nft.Rule(f.Rules[4].Comment, nft.Source4("fw-edge/deny.0/from4"), nft.Accept())
		}, []string{"rule 5"}},
		"a set more":    {func(f *nft.Filter) { f.Sets = append(f.Sets, nft.FilterSet{Name: "fw-edge/x", Type: "ipv4_addr"}) }, []string{"set fw-edge/x"}},
		"as it must be": {func(*nft.Filter) {}, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			f, err := render("edge", mark, full())
			if err != nil {
				t.Fatal(err)
			}
			test.change(f)
			if d := cmp.Diff(test.want, parse("edge", f).Altered); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestRulesAreCanonical(t *testing.T) {
	r := Rule{Proto: "tcp", Ports: []Ports{"443", "80", "81", "82-90", "80"}, From: []string{"10.0.1.0/24", "2001:db8::1", "10.0.0.0/24", "10.0.2.7"}}
	got, err := r.canonical()
	want := Rule{Proto: "tcp", Ports: []Ports{"80-90", "443"}, From: []string{"10.0.0.0/23", "10.0.2.7", "2001:db8::1"}}
	if d := cmp.Diff(want, got); d != "" || err != nil {
		t.Error(err, d)
	}
}

func TestProblems(t *testing.T) {
	s := Spec{On: "input", Default: "drop", Allow: []Rule{{Proto: "icmp", Ports: []Ports{"80"}}, {Proto: "tcp", Ports: []Ports{"90-80"}}, {From: []string{"10.0.0.300"}}}}
	var got []string
	for _, p := range validate("firewall/edge", schema.Place{}, &s, actuators.Lookup{}) {
		got = append(got, p.Path+" "+p.Text)
	}
	want := []string{"allow.0 ports need a protocol that has ports", `allow.1 cannot read "90-80" as a port or a range of ports`, `allow.2 cannot read "10.0.0.300" as an IPv4 address or prefix`}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestDiff(t *testing.T) {
	want := Spec{On: "input", Default: "drop", Allow: []Rule{{Proto: "tcp", Ports: []Ports{"22"}}}}
	as, _ := want.config()
	loose, hand := as, as
	loose.Default = "accept"
	hand.Altered = []string{"rule 1"}
	tests := map[string]struct {
		have   *State
		want   *Spec
		action actuators.Action
		paths  string
	}{
		"as wanted": {&State{Config: as}, &want, actuators.None, ""},
		"absent":    {nil, &want, actuators.Create, "on default allow"},
		"policy":    {&State{Config: loose}, &want, actuators.Update, "default"},
		"by hand":   {&State{Config: hand}, &want, actuators.Update, "altered"},
		"unwanted":  {&State{Config: as}, nil, actuators.Retire, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			d := diff(test.want, actuators.Have[State]{Here: test.have, Owned: true})
			var paths []string
			for _, c := range d.Changes {
				paths = append(paths, c.Path)
			}
			if d.Action != test.action || strings.Join(paths, " ") != test.paths {
				t.Errorf("%s %v", d.Action, paths)
			}
		})
	}
}

func TestWhatMayCutThePathWantsToBeConfirmed(t *testing.T) {
	for _, name := range []string{"create", "replace", "remove"} {
		if op, ok := Kind.Op(name); !ok || op.Confirm != confirm || op.Reversal != actuators.Exact {
			t.Errorf("%s: %+v", name, op)
		}
	}
}

package nft

import (
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/nftables"
	"pgregory.net/rapid"

	"plumbline/actuators"
)

func TestKeysAndValuesAreReadAsWritten(t *testing.T) {
	for text, kind := range map[string]nftables.SetDatatype{
		"203.0.113.3:80/tcp":        typeService,
		"203.0.113.3:65535/sctp":    typeService,
		"203.0.113.3:53/udp#70000":  typeIndexed,
		"10.1.1.12:8080":            typeEndpoint,
		"255.255.255.255:1/tcp#255": typeIndexed,
	} {
		raw, err := encode(kind, text)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := decode(kind, raw); back != text || err != nil {
			t.Errorf("%s came back as %s, %v", text, back, err)
		}
	}
}

func TestWhatIsNoKeyIsRefused(t *testing.T) {
	for text, kind := range map[string]nftables.SetDatatype{
		"": typeService, "203.0.113.3:80": typeService, "203.0.113.3:80/icmp": typeService, "[2001:db8::1]:80/tcp": typeService,
		"203.0.113.3:80/tcp#": typeIndexed, "203.0.113.3:80/tcp#x": typeIndexed, "10.1.1.12": typeEndpoint, "10.1.1.12:99999": typeEndpoint,
	} {
		if raw, err := encode(kind, text); err == nil {
			t.Errorf("%q was written as %v", text, raw)
		}
	}
}

func TestSpansAreMergedAndNamedShortest(t *testing.T) {
	tests := []struct {
		v6       bool
		in, want string
	}{
		{false, "10.0.0.1", "10.0.0.1"},
		{false, "10.0.0.7/8", "10.0.0.0/8"},
		{false, "10.0.0.1 10.0.0.0 10.0.0.1", "10.0.0.0/31"},
		{false, "10.0.0.1 10.0.0.2", "10.0.0.1-10.0.0.2"},
		{false, "0.0.0.0/0 10.0.0.0/8", "0.0.0.0/0"},
		{false, "128.0.0.0/1 0.0.0.0/1", "0.0.0.0/0"},
		{true, "2001:db8::/33 2001:db8:8000::/33 ::1", "::1 2001:db8::/32"},
		{true, "::/0", "::/0"},
	}
	for _, test := range tests {
		got, err := Addresses(strings.Fields(test.in), test.v6)
		if strings.Join(got, " ") != test.want || err != nil {
			t.Errorf("%s: %v, %v; want %s", test.in, got, err, test.want)
		}
	}
}

// The kernel gives an interval set back as beginnings and ends in any order.
func TestSpansSurviveTheKernelsForm(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kind := nftables.TypeInetService
		var texts []string
		for range rapid.IntRange(0, 8).Draw(t, "n") {
			from := rapid.IntRange(0, 65535).Draw(t, "from")
			to := rapid.IntRange(from, 65535).Draw(t, "to")
			texts = append(texts, rangeText(from, to))
		}
		spans, err := parseSpans(kind, texts)
		if err != nil {
			t.Fatal(err)
		}
		raw := append(rawSpans(spans), nftables.SetElement{Key: []byte{0, 0}, IntervalEnd: true}) // nft adds this one
		raw = rapid.Permutation(raw).Draw(t, "order")
		if d := cmp.Diff(spanTexts(kind, spans), spanTexts(kind, spansOf(raw))); d != "" {
			t.Fatal(d)
		}
	})
}

// rangeText is "from-to".
func rangeText(from, to int) string {
	return strconv.Itoa(from) + "-" + strconv.Itoa(to)
}

var boston = actuators.Mark{Installation: "boston", ID: "nat/a", Hash: "1"}

func TestReverseTouchesOnlyItsOwnDelta(t *testing.T) {
	element := func(port, target, comment string) Element {
		return Element{Set: Forwards, Key: "203.0.113.3:" + port + "/tcp", Value: target, Comment: comment}
	}
	own := boston.String()
	before := []Element{element("1", "10.0.0.1:1", own), element("2", "10.0.0.1:2", own)}
	claim := Claim{Mark: boston, Want: []Element{element("1", "10.0.0.9:1", ""), element("3", "10.0.0.1:3", "")}}
	wrote := []Element{element("1", "10.0.0.9:1", own), element("3", "10.0.0.1:3", own)}
	foreign := element("2", "10.0.0.66:2", "")
	tests := map[string]struct {
		live        []Element
		gone, added []Element
		stuck       bool
	}{
		"after Do":              {wrote, wrote, before, false},
		"after nothing":         {before, nil, nil, false},
		"others wrote":          {append([]Element{foreign}, wrote...), wrote, before[:1], true},
		"ours was taken away":   {wrote[1:], wrote[1:], before[1:], true},
		"others elsewhere stay": {append([]Element{element("9", "x", "y")}, wrote...), wrote, before, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			gone, added, stuck := claim.reverse(newServices(test.live), Before{Elements: before})
			if d := cmp.Diff([][]Element{test.gone, test.added}, [][]Element{gone, added}); d != "" || (stuck != nil) != test.stuck {
				t.Errorf("stuck: %v\n%s", stuck, d)
			}
		})
	}
}

func TestAMarkThatDoesNotFitIsRefused(t *testing.T) {
	long := actuators.Mark{Installation: "boston", ID: "nat/" + "x", Hash: strings.Repeat("x", maxComment)}
	if _, _, err := (Claim{Mark: long, Want: []Element{{}}}).delta(newServices(nil)); err == nil {
		t.Error("it was cut off instead")
	}
}

func TestOnlyWhatChangesTheWayOfPacketsIsStrange(t *testing.T) {
	const service = "203.0.113.3:80/tcp"
	mark := actuators.Mark{Installation: "boston", ID: "nat/payroll", Hash: "1"}
	own := []Element{{Set: Forwards, Key: service, Value: "10.1.1.12:80", Comment: mark.String()}}
	s := newServices(append(own,
		Element{Set: Masq, Key: service},
		Element{Set: Forwards, Key: "203.0.113.9:80/tcp", Value: "10.1.1.9:80"},
		Element{Set: Balancers, Key: "203.0.113.9:80/tcp", Value: "spread-1"}))
	s.chains = map[string]*nftables.Chain{
		"prerouting": {Hooknum: nftables.ChainHookPrerouting}, "spread-1": {}, "aside": {}, "evil": {Hooknum: nftables.ChainHookForward},
	}
	want := []string{
		"chain evil on a hook; remedy: nft delete chain ip plumb evil",
		"masq 203.0.113.3:80/tcp; remedy: nft delete element ip plumb masq { 203.0.113.3 . tcp . 80 }",
	}
	if d := cmp.Diff(want, s.strange(mark, own, hooked(table, s.chains, func(name string) bool { return baseChains[name] }))); d != "" {
		t.Error(d)
	}
}

func TestForwardingBlocksByTheSwitchOfAllOrOfAWay(t *testing.T) {
	elements := []Element{{Set: Forwards, Key: "203.0.113.3:80/tcp", Value: "127.0.0.1:80"}}
	for name, test := range map[string]struct {
		now  forwarding
		want []string
		word string
	}{
		"all on":           {forwarding{all: true}, nil, "true"},
		"all off":          {forwarding{off: map[int]string{7: "eth7"}}, []string{"net/ipv4/ip_forward=0"}, "false"},
		"one aside is off": {forwarding{all: true, off: map[int]string{1 << 20: "eth7"}}, nil, ""},
		"one on the way":   {forwarding{all: true, off: map[int]string{1: "lo"}}, []string{"net/ipv4/conf/lo/forwarding=0"}, ""},
	} {
		if got, err := test.now.blocking(elements); err != nil || !cmp.Equal(got, test.want) || test.now.word() != test.word {
			t.Errorf("%s: %v, %v, word %q", name, got, err, test.now.word())
		}
	}
}

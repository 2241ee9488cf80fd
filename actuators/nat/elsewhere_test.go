package nat

import (
	"strings"
	"testing"

	"plumbline/actuators"
	"plumbline/actuators/internal/nft/nfttest"
)

const theirRule = `table ip theirs { chain pre { type nat hook prerouting priority dstnat; ip daddr 203.0.113.3 udp dport 53 dnat to 10.1.1.12; }; }`

// What a rule of another table forwards is taken over beside that rule, and no flow falls, neither then nor when the rule goes.
func TestWhatAnotherTableForwardsIsTakenOver(t *testing.T) {
	b := bench(t, "nat/names")
	client, server := site(t)
	server.Answer(53)
	nfttest.Run(t, "nft", theirRule)
	s := Spec{Public: "203.0.113.3", To: "10.1.1.12", Ports: []Port{{Public: 53, To: 53, Proto: "udp"}}}
	nfttest.Run(t, "nft", "table ip back { chain post { type nat hook postrouting priority srcnat; ip daddr 10.1.1.12 masquerade; }; }")
	before := nfttest.Run(t, "nft", "-a", "list table ip theirs")
	var done int
	flows := client.Steady("203.0.113.3:53", func() {
		if d := b.Diff(s, false); d.Action != actuators.Adopting {
			t.Fatalf("%+v", d)
		}
		b.Undo(b.Apply(s, false))
		steps := b.Apply(s, false)
		if done = len(steps); done != 1 || !strings.Contains(steps[0].Step.Summary, "as well as table ip theirs, chain pre, rule ") {
			t.Errorf("%+v", steps)
		}
		if after := nfttest.Run(t, "nft", "-a", "list table ip theirs"); after != before {
			t.Errorf("the table of others was\n%s\nand is\n%s", before, after)
		}
		nfttest.Run(t, "nft", "delete table ip theirs")
		b.Settled(s)
	})
	t.Logf("%d flows", flows)
}

func TestWhatSeveralRulesForwardIsNotTakenOver(t *testing.T) {
	b := bench(t, "nat/names")
	nfttest.Run(t, "nft", theirRule)
	nfttest.Run(t, "nft", strings.Replace(strings.Replace(theirRule, "theirs", "others", 1), "10.1.1.12", "10.1.1.13", 1))
	s := Spec{Public: "203.0.113.3", To: "10.1.1.12", Ports: []Port{{Public: 53, To: 53, Proto: "udp"}}}
	have := b.Have(s)
	if text := string(have.Here); !strings.Contains(text, "several rules forward it: table ip others, chain pre, rule ") || !strings.Contains(text, "table ip theirs, chain pre, rule ") {
		t.Error(text)
	}
}

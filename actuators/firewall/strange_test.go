package firewall

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"plumbline/actuators"
	"plumbline/actuators/internal/nft/nfttest"
	"plumbline/schema"
)

func TestOnlyAPersonTakesAStrangeChainAway(t *testing.T) {
	b := bench(t)
	s := web("192.0.2.0/24")
	b.Apply(s, false)
	nfttest.Run(t, "nft", "add chain inet plumb_fw evil { type filter hook input priority -10; policy drop; }; add chain inet plumb_fw aside")
	have := b.Have(s)
	if d := b.Diff(s, false); len(d.Changes) != 1 || d.Changes[0].Path != "strange" {
		t.Fatalf("changes %+v", d.Changes)
	}
	var live State
	if err := json.Unmarshal(have.Here, &live); err != nil {
		t.Fatal(err)
	}
	refused := actuators.Have[State]{Here: &live, Owned: true}
	_, err := steps(b.Subject(), diff(&s, refused), &s, refused)
	if !errors.Is(err, actuators.ErrRefused) || !strings.Contains(err.Error(), "chain evil on a hook; remedy: nft delete chain inet plumb_fw evil") {
		t.Errorf("error %v", err)
	}
	b.Apply(web("198.51.100.0/24"), false) // what else differs is still written
	nfttest.Run(t, "nft", "delete chain inet plumb_fw evil")
	b.Settled(web("198.51.100.0/24"))
}

func TestUndoPutsNoTableToSleepThatOthersLiveFrom(t *testing.T) {
	b := bench(t)
	s := web("192.0.2.0/24")
	b.Apply(s, false)
	nfttest.Run(t, "nft", "add table inet plumb_fw { flags dormant; }")
	done := b.Apply(s, false)
	other := b
	other.At = schema.ID("firewall/other").On("edge1")
	other.Apply(s, false)
	if err := b.UndoOne(done[0]); !errors.Is(err, actuators.ErrStuck) {
		t.Errorf("error %v", err)
	}
	other.Settled(s)
}

package firewall

import (
	"encoding/json"
	"errors"
	"net"
	"strings"
	"testing"

	"plumbline/actuators"
	"plumbline/actuators/internal/nft/nfttest"
)

// TestARenamedFirewallFiltersAllTheWhile sends what is allowed and what is not, one datagram after the other, at a host whose
// firewall is renamed there and back: of the first none may be lost, of the second none may arrive.
func TestARenamedFirewallFiltersAllTheWhile(t *testing.T) {
	b := bench(t)
	client := outside(t)
	nfttest.Answer(t, "198.51.100.1:53")
	shut, err := net.ListenPacket("udp4", "198.51.100.1:54")
	if err != nil {
		t.Fatal(err)
	}
	defer shut.Close()
	through := make(chan int, 1)
	go func() {
		n := 0
		for data := make([]byte, 1); ; n++ {
			if _, _, err := shut.ReadFrom(data); err != nil {
				through <- n
				return
			}
		}
	}()
	want := closed()
	want.Allow = []Rule{{Proto: "udp", Ports: []Ports{"53"}}}
	b.Apply(want, false)
	whole := nfttest.Ruleset(t)
	stop := client.Flood("198.51.100.1:54")
	flows := client.Steady("198.51.100.1:53", func() {
		for range 50 {
			now, done := b.Rename("firewall/rim", want)
			now.Settled(want)
			b.Undo(done)
		}
	})
	t.Logf("%d allowed, %d denied", flows, stop())
	if after := nfttest.Ruleset(t); after != whole {
		t.Errorf("before:\n%s\nafter:\n%s", whole, after)
	}
	shut.Close()
	if n := <-through; n > 0 {
		t.Errorf("%d datagrams came through", n)
	}
}

func TestAnAlteredFirewallIsNotRenamed(t *testing.T) {
	b := bench(t)
	b.Apply(web(), false)
	nfttest.Run(t, "nft", "insert rule inet plumb_fw fw-edge accept")
	have := b.Have(web())
	now := b
	now.At.ID = "firewall/rim"
	_, _, err := Kind.Rename(now.Subject(), b.At.ID, encoded(t, web()), have)
	if !errors.Is(err, actuators.ErrRefused) || !strings.Contains(err.Error(), `"plumb heal firewall/edge@edge1"`) {
		t.Errorf("got %v", err)
	}
}

func encoded(t *testing.T, v any) json.RawMessage {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

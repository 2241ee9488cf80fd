package balancer

import (
	"testing"

	"plumbline/actuators/internal/nft/nfttest"
)

// TestARenamedBalancerSpreadsAllTheWhile sends a new flow after the other through a balancer that is renamed there and back.
func TestARenamedBalancerSpreadsAllTheWhile(t *testing.T) {
	b := bench(t)
	client := nfttest.NewPeer(t, "198.51.100.7/24", "198.51.100.1/24", true)
	server := nfttest.NewPeer(t, "10.1.1.12/24", "10.1.1.1/24", false)
	nfttest.Reach(t, client, server)
	nfttest.Run(t, "ip", "addr", "replace", "203.0.113.3/32", "dev", "lo")
	for _, port := range []int{81, 82} {
		server.Answer(port)
	}
	want := payroll("10.1.1.12")
	want.Proto, want.Backends = "udp", []Backend{{Address: "10.1.1.12", Port: 81}, {Address: "10.1.1.12", Port: 82}}
	b.Apply(want, false)
	whole := nfttest.Ruleset(t)
	flows := client.Steady("203.0.113.3:80", func() {
		for range 50 {
			begun := nfttest.Generation(t)
			now, done := b.Rename("balancer/wages", want)
			if commits := nfttest.Generation(t) - begun; commits != 1 || len(done) != 1 {
				t.Errorf("%d commits, %d steps", commits, len(done))
			}
			now.Settled(want)
			b.Undo(done)
		}
	})
	t.Logf("%d flows", flows)
	if after := nfttest.Ruleset(t); after != whole {
		t.Errorf("before:\n%s\nafter:\n%s", whole, after)
	}
}

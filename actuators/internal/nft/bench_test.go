package nft_test

import (
	"testing"

	"plumbline/actuators"
	"plumbline/actuators/internal/kindtest"
	"plumbline/actuators/internal/nft"
	"plumbline/actuators/internal/nft/nfttest"
)

// BenchmarkResync10k gives 10,000 mappings other targets in one batch and reads all of them back.
func BenchmarkResync10k(b *testing.B) {
	nfttest.Edge(b)
	claims := []nft.Claim{claim("many", 1, 10_000), claim("many", 1, 10_000)}
	for i := range claims[1].Want {
		claims[1].Want[i].Value = "10.1.1.13:80"
	}
	asked := actuators.Scope{Targets: []actuators.Target{{ID: "nat/many"}}}
	turn := 0
	defer kindtest.CPU(b)()
	for b.Loop() {
		turn++
		c := claims[turn%2]
		if err := c.Do(b.Context()); err != nil {
			b.Fatal(err)
		}
		seen, err := nft.Look(b.Context(), "nat", nil, asked, nft.Forwards)
		if err != nil || len(seen) != 1 || len(seen[0].Elements) != len(c.Want) || seen[0].Elements[4711].Value != c.Want[0].Value {
			b.Fatalf("%d seen, %v", len(seen), err)
		}
	}
}

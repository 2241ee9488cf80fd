package nft

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"plumbline/actuators"
	"plumbline/actuators/internal/nft/nfttest"
	"plumbline/schema"
)

// all is everything that a Services tells, for comparison.
func all(s *Services) any {
	var elements []Element
	owners, choosers := map[schema.ID][]Element{}, s.needed()
	for _, e := range s.elements {
		elements = append(elements, e.Element)
	}
	for id, entries := range s.owners {
		for _, e := range entries {
			owners[id] = append(owners[id], e.Element)
		}
		Sort(owners[id])
	}
	return []any{s.present, s.Broken, Sort(elements), owners, choosers, len(s.sets), len(s.chains)}
}

// unkept reads the table from the kernel alone.
func unkept(t *testing.T) (s *Services) {
	t.Helper()
	err := View(t.Context(), func(tx *Tx) (err error) {
		s, err = tx.services(0)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Whatever we and others write, in whatever order, what a look gives is what the kernel has.
func TestWhatIsKeptIsWhatTheKernelHas(t *testing.T) {
	nfttest.Edge(t)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for turn := range 150 {
		note := disturb(t, random)
		var have any
		if err := kept.view(context.Background(), func(s *Services) { have = all(s) }); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(all(unkept(t)), have, cmpopts.EquateEmpty()); d != "" {
			t.Fatalf("turn %d, after %s: the kernel has -, kept is +:\n%s", turn, note, d)
		}
	}
}

// disturb writes something, by us or by somebody else.
func disturb(t *testing.T, random *rand.Rand) (note string) {
	service := ServiceKey("203.0.113.3", 80+random.IntN(4), "tcp")
	object := actuators.Mark{Installation: "boston", ID: schema.MakeID("nat", fmt.Sprint("o", random.IntN(4))), Hash: fmt.Sprint(random.IntN(3))}
	claim := Claim{Mark: object, Want: []Element{{Set: Forwards, Key: service, Value: fmt.Sprintf("10.1.1.%d:80", 1+random.IntN(3))}}}
	switch random.IntN(8) {
	case 0:
		claim.Want = nil
	case 1:
		claim.Want = append(claim.Want, Element{Set: Masq, Key: service})
	case 2:
		claim.Want = []Element{{Set: Balancers, Key: service, Value: Spread(1 + random.IntN(2))}, {Set: Backends, Key: service + "#0", Value: "10.1.1.1:80"}}
	case 3:
		nfttest.Run(t, "sh", "-c", "nft delete table ip plumb 2>/dev/null || true")
		return "the table went"
	case 4:
		const key = "203.0.113.3 . tcp . 80"
		nfttest.Run(t, "sh", "-c", "nft 'add element ip plumb forwards { "+key+" : 10.1.1.9 . 80 }' 2>/dev/null || nft 'delete element ip plumb forwards { "+key+" }' 2>/dev/null || true")
		return "somebody wrote an element"
	case 5:
		nfttest.Run(t, "sh", "-c", "nft flush chain ip plumb prerouting 2>/dev/null || true")
		return "somebody emptied a chain"
	}
	before, err := claim.Capture(t.Context())
	if err != nil {
		return "a refusal: " + err.Error()
	}
	err = claim.Do(t.Context())
	if random.IntN(3) == 0 {
		err = claim.Undo(t.Context(), before)
	}
	return fmt.Sprintf("%+v: %v", claim, err)
}

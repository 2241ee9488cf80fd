package nft_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"plumbline/actuators"
	"plumbline/actuators/internal/nft"
	"plumbline/actuators/internal/nft/nfttest"
	"plumbline/schema"
)

func TestMain(m *testing.M) { nfttest.Main(m) }

func claim(object string, port, n int) nft.Claim {
	c := nft.Claim{Mark: actuators.Mark{Installation: "boston", ID: schema.MakeID("nat", object), Hash: "1"}}
	for i := range n {
		c.Want = append(c.Want, nft.Element{Set: nft.Forwards, Key: nft.ServiceKey("203.0.113.3", port+i, "tcp"), Value: "10.1.1.12:80"})
	}
	return c
}

// read gives all that the kind nat has, and the chains that are broken.
func read(t testing.TB) (elements []nft.Element, broken []string) {
	t.Helper()
	owned, err := nft.Look(context.Background(), "nat", nil, actuators.Scope{All: true}, nft.Forwards)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range owned {
		elements, broken = append(elements, o.Elements...), append(broken, o.Broken...)
	}
	return elements, broken
}

// Lanes write at the same time, and others commit in between: no element is lost, whether done or undone.
func TestManyWritersAtOnce(t *testing.T) {
	nfttest.Edge(t)
	const writers, turns = 8, 10
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			c := claim(fmt.Sprint("w", w), 1000*(w+1), 3)
			for range turns {
				before, err := c.Capture(t.Context())
				if err == nil {
					err = c.Do(t.Context())
				}
				if err == nil {
					err = c.Undo(t.Context(), before)
				}
				if err == nil {
					err = c.Do(t.Context())
				}
				if err == nil {
					err = nft.Claim{Mark: c.Mark}.Do(t.Context())
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
			if w%2 == 0 {
				if err := c.Do(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if elements, broken := read(t); len(elements) != writers/2*3 || len(broken) != 0 {
		t.Errorf("%d elements, broken %v", len(elements), broken)
	}
}

func TestACancelledChangeWritesNothing(t *testing.T) {
	nfttest.Edge(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := claim("a", 80, 1).Do(ctx); err == nil {
		t.Error("no error")
	}
	if left := nfttest.Ruleset(t); left != "" {
		t.Error(left)
	}
}

func TestTenThousandElementsInOneBatch(t *testing.T) {
	nfttest.Edge(t)
	many := claim("many", 1, 10000)
	start := time.Now()
	if err := many.Do(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Logf("added 10000 in %s", time.Since(start))
	start = time.Now()
	one := claim("one", 20000, 1)
	if err := one.Do(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Logf("added one more in %s", time.Since(start))
	if elements, _ := read(t); len(elements) != 10001 {
		t.Errorf("%d elements", len(elements))
	}
	if err := many.Undo(t.Context(), nft.Before{}); err != nil {
		t.Fatal(err)
	}
	if elements, _ := read(t); len(elements) != 1 || !strings.HasSuffix(elements[0].Key, ":20000/tcp") {
		t.Errorf("%d elements left", len(elements))
	}
}

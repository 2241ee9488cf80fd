package sim_test

import (
	"context"
	"testing"

	"plumbline/testenv/sim"
)

// tenThousand is a controller over ten thousand applied objects on a hundred hosts.
func tenThousand(b *testing.B) *center {
	c := centerWith(b, stamped(), sim.Options{}, racks(100, 98))
	c.applied()
	return c
}

// BenchmarkPlanOfNothing is a plan that finds nothing to do, in a controller that stays.
func BenchmarkPlanOfNothing(b *testing.B) {
	c := tenThousand(b)
	head, err := c.src.Head(context.Background())
	must(b, err)
	b.ResetTimer()
	for b.Loop() {
		if _, err := c.Plan(context.Background(), head.ID); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkObserve is the part of it that looks.
func BenchmarkObserve(b *testing.B) {
	c := tenThousand(b)
	head, err := c.src.Head(context.Background())
	must(b, err)
	graph, err := c.Load(context.Background(), head.ID)
	must(b, err)
	inv, err := c.store.Inventory()
	must(b, err)
	b.ResetTimer()
	for b.Loop() {
		c.Observe(context.Background(), graph, inv)
	}
}

// BenchmarkDriftCheck looks at everything that was applied.
func BenchmarkDriftCheck(b *testing.B) {
	c := tenThousand(b)
	b.ResetTimer()
	for b.Loop() {
		if found, err := c.Drift(context.Background()); err != nil || len(found.Incidents) > 0 {
			b.Fatal(found, err)
		}
	}
}

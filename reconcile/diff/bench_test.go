package diff_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"plumbline/reconcile/diff"
)

// each runs a benchmark over datacenters of some sizes.
func each(b *testing.B, run func(b *testing.B, c *center)) {
	for _, n := range []int{1000, 10000, 100000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			c := newCenter(b, n)
			b.ReportAllocs()
			run(b, c)
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(c.want.Nodes)), "ns/object")
		})
	}
}

// BenchmarkGraph resolves what was evaluated into a graph, as a fresh process does.
func BenchmarkGraph(b *testing.B) {
	each(b, func(b *testing.B, c *center) {
		for b.Loop() {
			c.load(b)
		}
	})
}

// BenchmarkComputeFresh compares everything, with nothing to change.
func BenchmarkComputeFresh(b *testing.B) {
	each(b, func(b *testing.B, c *center) {
		for b.Loop() {
			nothing(b, diff.Compute(c.input()))
		}
	})
}

// BenchmarkComputeResident compares again what did not change at all: the same graph, the same looks, the same entries.
func BenchmarkComputeResident(b *testing.B) {
	each(b, func(b *testing.B, c *center) {
		var r diff.Resident
		nothing(b, r.Compute(c.input()))
		for b.Loop() {
			nothing(b, r.Compute(c.input()))
		}
	})
}

// BenchmarkComputeSeenAgain compares with another graph, other looks and another inventory, all of the same content.
func BenchmarkComputeSeenAgain(b *testing.B) {
	each(b, func(b *testing.B, c *center) {
		var r diff.Resident
		inputs := []diff.Input{c.input(), c.again(b).input()}
		nothing(b, r.Compute(inputs[0]))
		for n := 1; b.Loop(); n++ {
			nothing(b, r.Compute(inputs[n%2]))
		}
	})
}

// BenchmarkComputeOneChange compares with one look in which one thing is otherwise.
func BenchmarkComputeOneChange(b *testing.B) {
	each(b, func(b *testing.B, c *center) {
		var r diff.Resident
		nothing(b, r.Compute(c.input()))
		for n := 0; b.Loop(); n++ {
			look := c.looks[n%len(c.looks)]
			next := *look
			next.Found = slices.Clone(look.Found)
			if len(next.Found) > 0 {
				next.Found = next.Found[1:]
			}
			c.looks[n%len(c.looks)] = &next
			r.Compute(c.input())
			c.looks[n%len(c.looks)] = look
		}
	})
}

func nothing(b *testing.B, r diff.Result) {
	if len(r.Changes) > 0 {
		b.Fatal(r.Changes[0].Instance)
	}
}

// again is the same datacenter, read again from the start.
func (c *center) again(t testing.TB) *center {
	next := *c
	next.want, next.looks, next.inventory = c.load(t), nil, maps.Clone(c.inventory)
	for _, look := range c.looks {
		copied := *look
		copied.Found = slices.Clone(look.Found)
		for i := range copied.Found {
			copied.Found[i].State = slices.Clone(copied.Found[i].State)
		}
		next.looks = append(next.looks, &copied)
	}
	for i, entry := range next.inventory {
		other := *entry
		next.inventory[i] = &other
	}
	return &next
}

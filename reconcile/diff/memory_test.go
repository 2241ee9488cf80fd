package diff_test

import (
	"runtime"
	"testing"

	"plumbline/reconcile/diff"
)

// Bytes that one object may cost while it is resident; docs/architecture.md states them. The graph holds its declaration,
// its resolved spec and its edges; the comparison only points into graph, looks and inventory.
const (
	graphBytes      = 2000
	comparisonBytes = 250
)

func TestMemoryPerObjectIsHeld(t *testing.T) {
	c := newCenter(t, 3000)
	n := uint64(len(c.want.Nodes))
	before := heap()
	other := c.load(t)
	graph := (heap() - before) / n
	var r diff.Resident
	in := c.input()
	before = heap()
	r.Compute(in)
	comparison := (heap() - before) / n
	t.Logf("%d objects: %d bytes each in the graph, %d in the comparison", n, graph, comparison)
	if graph > graphBytes || comparison > comparisonBytes {
		t.Errorf("an object costs %d bytes in the graph (limit %d) and %d in the comparison (limit %d)", graph, graphBytes, comparison, comparisonBytes)
	}
	runtime.KeepAlive(other)
	runtime.KeepAlive(c)
	r.Compute(in)
}

// heap is what is reachable now.
func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

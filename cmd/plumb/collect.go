package main

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// A command that looks and ends only ever gains memory, so that Go would let the heap grow to twice what is in use. That is
// cheap while it is small. Beyond largeHeap it may grow by tightPercent: a tenth more time on the processor at 100,000 objects,
// and a third less memory.
const (
	largeHeap    = 96 << 20 // bytes in use
	tightPercent = 35
)

// collectMore makes the collector careful once the heap is large, unless the environment says how it is to be.
func collectMore() {
	if told := debug.SetGCPercent(100); told != 100 {
		debug.SetGCPercent(told)
		return
	}
	runtime.AddCleanup(&cycle{}, tighten, 0)
}

// cycle is what lives until the next collection.
type cycle struct{ _ [16]byte }

func tighten(int) {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	if metrics.Read(sample); sample[0].Value.Uint64() < largeHeap {
		runtime.AddCleanup(&cycle{}, tighten, 0)
		return
	}
	debug.SetGCPercent(tightPercent)
}

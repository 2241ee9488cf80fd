package mirror

import (
	"sync"
	"time"
)

// Looks at once: over all hosts, and at one host.
const (
	hostsAtOnce    = 32
	looksAtOneHost = 4
)

// patience is how long a host keeps its place among those that are asked at once. One that takes longer is waited for beside
// them: dead and slow hosts delay no other.
const patience = 300 * time.Millisecond

// bound runs functions, so many at once, not counting those that have run for longer than its patience.
type bound struct {
	slots    chan struct{}
	patience time.Duration
	all      sync.WaitGroup
}

func newBound(most int, patience time.Duration) *bound {
	return &bound{slots: make(chan struct{}, most), patience: patience}
}

// run waits for a slot and starts a function.
func (b *bound) run(f func()) {
	b.slots <- struct{}{}
	free := sync.OnceFunc(func() { <-b.slots })
	late := time.AfterFunc(b.patience, free)
	b.all.Go(func() {
		defer late.Stop()
		defer free()
		f()
	})
}

// wait waits for all that was started.
func (b *bound) wait() { b.all.Wait() }

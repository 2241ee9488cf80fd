package drift

import (
	"context"
	"sync"
	"time"

	"plumbline/actuators"
	"plumbline/schema"
)

// hints is what an event source told since the last look: its words by object; "" stands for anything of the kind.
type hints map[schema.ID]string

// about gives the words about an object, and whether it was meant at all.
func (h hints) about(id schema.ID) (words string, told bool) {
	if words, told = h[id]; told {
		return words, true
	}
	words, told = h[""]
	return words, told
}

// visits runs looks: of one place one at a time, of one host a few, of all hosts as many as there are, so that a host that
// hangs delays no other. What is asked for while a look runs is looked at once more after it, however often it is asked.
type visits struct {
	mu    sync.Mutex
	ctx   context.Context // nil: not started
	run   func(ctx context.Context, p place, told hints)
	due   map[place]*visit
	hosts map[string]chan struct{}
	all   sync.WaitGroup
}

// visit is a place that is looked at, or waits for its host.
type visit struct {
	again bool
	told  hints
}

const (
	looksAtOneHost = 4
	// After a look at a place nothing looks there for some times as long as it took, so that a storm of events is no storm of
	// looks and a look of a millisecond keeps nobody waiting.
	restShare = 2
	restLeast = 500 * time.Microsecond
	restMost  = 200 * time.Millisecond
)

func newVisits() *visits {
	return &visits{due: map[place]*visit{}, hosts: map[string]chan struct{}{}}
}

func (v *visits) start(ctx context.Context, run func(context.Context, place, hints)) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.ctx, v.run = ctx, run
}

// stop waits for the looks under way, whose context has ended. Nothing is begun any more.
func (v *visits) stop() {
	v.mu.Lock()
	v.ctx = nil
	v.mu.Unlock()
	v.all.Wait()
}

// ask has a place looked at, soon. It never blocks. An event of a source makes one differing look enough.
func (v *visits) ask(p place, event *actuators.Event) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.ctx == nil {
		return
	}
	one := v.due[p]
	if one == nil {
		one = &visit{}
		v.due[p] = one
		if v.hosts[p.host] == nil {
			v.hosts[p.host] = make(chan struct{}, looksAtOneHost)
		}
		ctx, slots := v.ctx, v.hosts[p.host]
		v.all.Go(func() { v.follow(ctx, p, one, slots) })
	}
	one.again = true
	if event != nil {
		if one.told == nil {
			one.told = hints{}
		}
		one.told[event.ID] = event.Text
	}
}

// follow looks at one place as long as it is asked for.
func (v *visits) follow(ctx context.Context, p place, one *visit, slots chan struct{}) {
	for {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return
		}
		v.mu.Lock()
		told := one.told
		one.told, one.again = nil, false
		v.mu.Unlock()
		begun := time.Now()
		v.run(ctx, p, told)
		<-slots
		if pause(ctx, min(max(restShare*time.Since(begun), restLeast), restMost)) != nil || v.over(p, one) {
			return
		}
	}
}

// over ends a visit that nobody asked to repeat.
func (v *visits) over(p place, one *visit) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !one.again {
		delete(v.due, p)
	}
	return !one.again
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

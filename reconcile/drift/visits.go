package drift

import (
	"context"
	"slices"
	"sync"
	"time"

	"plumbline/actuators"
	"plumbline/schema"
)

// hint is what event sources told of one thing.
type hint struct {
	words string
	by    []string // processes that they named
}

// hints is what event sources told since the last look, by object; "" stands for anything of the kind.
type hints map[schema.ID]hint

// mostProcesses is how many processes of one thing are kept apart.
const mostProcesses = 4

// add takes an event in.
func (h hints) add(e *actuators.Event) {
	one := h[e.ID]
	one.words = e.Text
	if e.By != "" && !slices.Contains(one.by, e.By) && len(one.by) < mostProcesses {
		one.by = append(one.by, e.By)
	}
	h[e.ID] = one
}

// about gives the words about an object, and whether it was meant at all.
func (h hints) about(id schema.ID) (words string, told bool) {
	one, told := h[id]
	if !told {
		one, told = h[""]
	}
	return one.words, told
}

// visits runs looks: of one place one at a time, of one host a few, of all hosts so many that a host that hangs delays no
// other. What waits is a line of a list and no goroutine:
//
//	asked ──► queue ──► under way ──► resting ──► forgotten
//	            ▲                        │ asked meanwhile
//	            └────────────────────────┘
//
// What is asked for while a look runs is looked at once more after it, however often it is asked. Looks at one kind, which
// events ask for, do not wait for those at whole hosts, which sweeps are made of.
type visits struct {
	mu    sync.Mutex
	ctx   context.Context // nil: not started
	run   func(ctx context.Context, p place, told hints)
	due   map[place]*visit
	under map[string]int // looks under way, by host
	kinds queue
	whole queue
	all   sync.WaitGroup // looks under way
}

// visit is a place that is looked at, rests, or waits.
type visit struct {
	place
	again bool // asked for since its look began
	told  hints
	took  time.Duration // the look before, if it rests or waits because of more
}

// queue is what waits for its turn, in order of asking.
type queue struct {
	waiting []*visit
	running int // but those that have run for longer than patience
	most    int
}

const (
	looksAtOneHost = 4
	kindsAtOnce    = 64
	hostsAtOnce    = 16
	patience       = time.Second
	// After a look at a place nothing looks there for some times as long as the shorter of two looks in a row took: a storm of
	// events is no storm of looks, a look of a millisecond keeps nobody waiting, and one that was slow once costs only itself.
	restShare = 2
	restLeast = 500 * time.Microsecond
	restMost  = 200 * time.Millisecond
)

func newVisits() *visits {
	return &visits{due: map[place]*visit{}, under: map[string]int{}, kinds: queue{most: kindsAtOnce}, whole: queue{most: hostsAtOnce}}
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
		one = &visit{place: p}
		v.due[p] = one
		v.enqueue(one)
	}
	one.again = true
	if event != nil {
		if one.told == nil {
			one.told = hints{}
		}
		one.told.add(event)
	}
	v.begin()
}

func (v *visits) enqueue(one *visit) {
	q := &v.kinds
	if one.kind == "" {
		q = &v.whole
	}
	q.waiting = append(q.waiting, one)
}

// begin starts what may start. The caller holds the lock.
func (v *visits) begin() {
	if v.ctx == nil {
		return
	}
	for _, q := range []*queue{&v.kinds, &v.whole} {
		for n := 0; n < len(q.waiting) && q.running < q.most; {
			one := q.waiting[n]
			if v.under[one.host] == looksAtOneHost {
				n++
				continue
			}
			q.waiting = slices.Delete(q.waiting, n, n+1)
			q.running++
			v.under[one.host]++
			ctx, told := v.ctx, one.told
			one.told, one.again = nil, false
			v.all.Go(func() { v.look(ctx, q, one, told) })
		}
	}
}

// look runs one look, and has the place rest.
func (v *visits) look(ctx context.Context, q *queue, one *visit, told hints) {
	counted := sync.OnceFunc(func() { q.running-- })
	late := time.AfterFunc(patience, func() { v.locked(counted) })
	begun := time.Now()
	v.run(ctx, one.place, told)
	late.Stop()
	v.locked(func() {
		counted()
		if v.under[one.host]--; v.under[one.host] == 0 {
			delete(v.under, one.host)
		}
		took := time.Since(begun)
		rest := min(max(restShare*min(took, one.took), restLeast), restMost)
		one.took = took
		time.AfterFunc(rest, func() { v.locked(func() { v.rested(one) }) })
	})
}

// rested ends a visit, or has it wait for its turn again. The caller holds the lock.
func (v *visits) rested(one *visit) {
	if one.again {
		v.enqueue(one)
	} else {
		delete(v.due, one.place)
	}
}

// locked changes what is under way, and starts what may start then.
func (v *visits) locked(change func()) {
	v.mu.Lock()
	defer v.mu.Unlock()
	change()
	v.begin()
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

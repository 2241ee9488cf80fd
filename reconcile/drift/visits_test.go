package drift

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"plumbline/actuators"
	"plumbline/schema"
)

// tour counts the looks of visits under way. How long each takes is the test's.
type tour struct {
	*visits
	counts    sync.Mutex
	now, most int
	seen      map[place]int
}

func newTour(ctx context.Context, takes func(place) time.Duration) *tour {
	t := &tour{visits: newVisits(), seen: map[place]int{}}
	t.start(ctx, func(ctx context.Context, p place, _ hints) {
		t.count(p, 1)
		_ = pause(ctx, takes(p))
		t.count(p, -1)
	})
	return t
}

func (t *tour) count(p place, n int) {
	t.counts.Lock()
	defer t.counts.Unlock()
	if t.now += n; n > 0 {
		t.most = max(t.most, t.now)
		return
	}
	t.seen[p]++
}

func (t *tour) askAll(hosts int, kinds ...string) {
	for h := range hosts {
		for _, kind := range kinds {
			t.ask(place{fmt.Sprint("h", h), kind}, nil)
		}
	}
}

func TestASweepOfAllHostsRunsAFewAtOnceHoweverOftenItIsAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		v := newTour(ctx, func(place) time.Duration { return 100 * time.Millisecond })
		for range 20 {
			v.askAll(500, "")
			time.Sleep(time.Second) // a sweep takes three
		}
		time.Sleep(10 * time.Second)
		v.counts.Lock()
		if v.most > hostsAtOnce || len(v.seen) != 500 {
			t.Errorf("%d at once, %d of 500 hosts seen", v.most, len(v.seen))
		}
		v.counts.Unlock()
		cancel()
		v.stop()
	})
}

func TestHostsThatHangDelayNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		v := newTour(ctx, func(p place) time.Duration {
			if p.host < "h2" { // 112 of them
				return time.Hour
			}
			return time.Millisecond
		})
		v.askAll(500, "")
		time.Sleep(8 * patience)
		v.counts.Lock()
		if len(v.seen) != 500-112 || v.now != 112 {
			t.Errorf("%d hosts seen while %d hang", len(v.seen), v.now)
		}
		v.counts.Unlock()
		cancel()
		v.stop()
	})
}

func TestAnEventDoesNotWaitForASweep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		v := newTour(ctx, func(p place) time.Duration {
			if p.kind == "" {
				return 900 * time.Millisecond
			}
			return time.Millisecond
		})
		v.askAll(500, "")
		v.ask(place{"h499", "vm"}, &actuators.Event{ID: schema.MakeID("vm", "a")})
		time.Sleep(2 * time.Millisecond)
		v.counts.Lock()
		if v.seen[place{"h499", "vm"}] != 1 {
			t.Error("it waits")
		}
		v.counts.Unlock()
		cancel()
		v.stop()
	})
}

func TestAStormOfEventsIsAFewLooksAtEachHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		v := newTour(ctx, func(place) time.Duration { return time.Hour })
		v.askAll(10, "a", "b", "c", "d", "e", "f")
		time.Sleep(time.Minute)
		v.counts.Lock()
		if v.now != 10*looksAtOneHost {
			t.Errorf("%d looks at 10 hosts", v.now)
		}
		v.counts.Unlock()
		cancel()
		v.stop()
	})
}

func TestOneSlowLookKeepsTheNextEventWaitingForNoRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const took = 20 * time.Millisecond
		var v *tour
		var begun []time.Time
		at := place{"h1", "vm"}
		v = newTour(t.Context(), func(place) time.Duration {
			if begun = append(begun, time.Now()); len(begun) < 3 {
				v.ask(at, nil) // it is looked at once more
			}
			return took
		})
		v.ask(at, nil)
		time.Sleep(time.Second)
		v.stop()
		if len(begun) != 3 {
			t.Fatalf("%d looks", len(begun))
		}
		first, second := begun[1].Sub(begun[0])-took, begun[2].Sub(begun[1])-took
		if first != restLeast || second != restShare*took {
			t.Errorf("it rests for %s after one slow look, for %s after two", first, second)
		}
	})
}

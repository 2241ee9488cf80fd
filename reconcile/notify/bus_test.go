package notify_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"plumbline/reconcile/notify"
)

// sink takes what it is sent, fails as often as it is told, or hangs until its context ends.
type sink struct {
	name  string
	mu    sync.Mutex
	fails int
	no    error // what a failure is; nil: "not now"
	hangs bool
	tried []time.Time
	got   []string
}

func (s *sink) String() string { return s.name }

func (s *sink) Send(ctx context.Context, n notify.Notice) error {
	s.mu.Lock()
	s.tried = append(s.tried, time.Now())
	hangs, fails := s.hangs, s.fails > 0
	s.fails--
	s.mu.Unlock()
	if hangs {
		<-ctx.Done()
		return ctx.Err()
	}
	if fails {
		return cmp.Or(s.no, errors.New("not now"))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got = append(s.got, n.ID)
	return nil
}

func (s *sink) has() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.got, " ")
}

func send(b *notify.Bus, n int) {
	for i := range n {
		b.Notify(notify.Notice{ID: fmt.Sprint(i)})
	}
}

// counter counts deliveries by result.
type counter struct {
	mu sync.Mutex
	n  map[string]int
}

func (c *counter) count(sink, result string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n == nil {
		c.n = map[string]int{}
	}
	c.n[sink+" "+result]++
}

func TestEverySinkGetsEveryNoticeInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := &sink{name: "a"}, &sink{name: "b", fails: 2}
		var c counter
		bus := notify.NewBus(t.Context(), zerolog.Nop(), c.count, nil, a, b)
		send(bus, 5)
		bus.Close()
		if a.has() != "0 1 2 3 4" || b.has() != a.has() || c.n["a ok"] != 5 || c.n["b ok"] != 5 {
			t.Errorf("%q %q %v", a.has(), b.has(), c.n)
		}
	})
}

func TestWhatASinkRefusesIsGivenUpAfterSomeTries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sink{name: "s", fails: 5, no: notify.ErrRefused}
		var c counter
		bus := notify.NewBus(t.Context(), zerolog.Nop(), c.count, nil, s)
		begun := time.Now()
		send(bus, 2)
		bus.Close()
		var at []time.Duration
		for _, tried := range s.tried {
			at = append(at, tried.Sub(begun))
		}
		want := []time.Duration{0, 500 * time.Millisecond, 1500 * time.Millisecond, 3500 * time.Millisecond, 7500 * time.Millisecond, 7500 * time.Millisecond}
		if !slices.Equal(at, want) || s.has() != "1" || c.n["s error"] != 1 || c.n["s ok"] != 1 {
			t.Errorf("%v %q %v", at, s.has(), c.n)
		}
	})
}

func TestASinkThatIsAwayIsTriedUntilItIsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sink{name: "s", fails: 200}
		bus := notify.NewBus(t.Context(), zerolog.Nop(), nil, nil, s)
		send(bus, 2)
		time.Sleep(24 * time.Hour)
		bus.Close()
		if s.has() != "0 1" {
			t.Errorf("%q after %d tries", s.has(), len(s.tried))
		}
	})
}

func TestASinkThatHangsDelaysNoOtherAndNotTheCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dead, well := &sink{name: "dead", hangs: true}, &sink{name: "well"}
		bus := notify.NewBus(t.Context(), zerolog.Nop(), nil, nil, dead, well)
		begun := time.Now()
		send(bus, 3)
		synctest.Wait()
		if well.has() != "0 1 2" || time.Since(begun) != 0 {
			t.Errorf("%q after %s", well.has(), time.Since(begun))
		}
		bus.Close()
		if took := time.Since(begun); took > 20*time.Second {
			t.Errorf("closing took %s", took)
		}
	})
}

func TestTooMuchForASinkLosesTheOldest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sink{name: "s", hangs: true}
		var c counter
		bus := notify.NewBus(t.Context(), zerolog.Nop(), c.count, nil, s)
		send(bus, 1)
		synctest.Wait() // it is under way
		send(bus, 1030)
		s.mu.Lock()
		s.hangs = false
		s.mu.Unlock()
		bus.Close()
		if c.n["s lost"] != 6 || !strings.HasSuffix(s.has(), " 1029") || strings.HasPrefix(s.has(), "0 0 ") {
			t.Errorf("%v", c.n)
		}
	})
}

func TestWhatIsQueuedWhenTheContextEndsIsSentOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		s := &sink{name: "s", fails: 1}
		bus := notify.NewBus(ctx, zerolog.Nop(), nil, nil, s)
		cancel()
		send(bus, 3)
		bus.Close()
		if s.has() != "1 2" || len(s.tried) != 3 {
			t.Errorf("%q after %d tries", s.has(), len(s.tried))
		}
	})
}

func TestNothingIsSentAfterClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sink{name: "s"}
		var c counter
		bus := notify.NewBus(t.Context(), zerolog.Nop(), c.count, nil, s)
		bus.Close()
		send(bus, 1)
		bus.Close()
		if s.has() != "" || c.n["s lost"] != 1 {
			t.Errorf("%q %v", s.has(), c.n)
		}
	})
}

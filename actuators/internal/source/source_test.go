package source

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"plumbline/actuators"
)

// place is a source of hints.
type place struct {
	runs, running atomic.Int32
	hints         chan string
	broken        chan error
}

func newPlace() *place { return &place{hints: make(chan string), broken: make(chan error)} }

func (p *place) watch(ctx context.Context, _ actuators.Host, emit func(actuators.Event)) error {
	p.runs.Add(1)
	p.running.Add(1)
	defer p.running.Add(-1)
	emit(actuators.Event{Standing: true})
	for {
		select {
		case text := <-p.hints:
			emit(actuators.Event{Text: text})
		case err := <-p.broken:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// ear is a listener of a test.
type ear struct {
	mu    sync.Mutex
	heard []string
	stop  context.CancelFunc
	ended chan error
}

func listen(watch actuators.WatchFunc, wait <-chan struct{}) *ear {
	ctx, stop := context.WithCancel(context.Background())
	e := &ear{stop: stop, ended: make(chan error, 1)}
	go func() {
		e.ended <- watch(ctx, nil, func(event actuators.Event) {
			if event.Standing {
				event.Text = "standing"
			}
			e.mu.Lock()
			e.heard = append(e.heard, event.Text)
			e.mu.Unlock()
			if wait != nil {
				<-wait
			}
		})
	}()
	return e
}

func (e *ear) text() (out string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, one := range e.heard {
		out += one + " "
	}
	return out
}

func TestAllListenersHearOneRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace()
		watch := Shared(p.watch)
		one := listen(watch, nil)
		synctest.Wait()
		p.hints <- "a"
		synctest.Wait()
		two := listen(watch, nil)
		synctest.Wait()
		p.hints <- "b"
		synctest.Wait()
		if one.text() != "standing a b " || two.text() != "standing b " || p.runs.Load() != 1 {
			t.Errorf("%q and %q in %d runs", one.text(), two.text(), p.runs.Load())
		}
		one.stop()
		synctest.Wait()
		p.hints <- "c"
		synctest.Wait()
		if err := <-one.ended; !errors.Is(err, context.Canceled) || two.text() != "standing b c " {
			t.Errorf("%v, %q", err, two.text())
		}
		two.stop()
		<-two.ended
		if n := p.running.Load(); n != 0 {
			t.Errorf("%d still run", n)
		}
	})
}

func TestABrokenSourceEndsAllAndBeginsAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace()
		watch := Shared(p.watch)
		one, two := listen(watch, nil), listen(watch, nil)
		synctest.Wait()
		broken := errors.New("broken")
		p.broken <- broken
		for _, e := range []*ear{one, two} {
			if err := <-e.ended; !errors.Is(err, broken) {
				t.Errorf("ended with %v", err)
			}
		}
		three := listen(watch, nil)
		synctest.Wait()
		if three.text() != "standing " || p.runs.Load() != 2 {
			t.Errorf("%q in %d runs", three.text(), p.runs.Load())
		}
		three.stop()
		<-three.ended
	})
}

func TestASlowListenerHoldsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace()
		watch := Shared(p.watch)
		wait := make(chan struct{})
		slow, quick := listen(watch, wait), listen(watch, nil)
		synctest.Wait()
		for range backlog + 2 {
			p.hints <- "x"
			synctest.Wait()
		}
		close(wait)
		if err := <-slow.ended; !errors.Is(err, errSlow) {
			t.Errorf("the slow one ended with %v", err)
		}
		if n := len(quick.heard); n != backlog+3 {
			t.Errorf("the quick one heard %d", n)
		}
		quick.stop()
		<-quick.ended
	})
}

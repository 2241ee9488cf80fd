package source

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"plumbline/actuators"
)

func TestJoinedWatchesStandWhenAllDoAndEndWithTheFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one, two := newPlace(), newPlace()
		begin := make(chan struct{})
		late := func(ctx context.Context, h actuators.Host, emit func(actuators.Event)) error {
			<-begin
			return two.watch(ctx, h, emit)
		}
		e := listen(Join(one.watch, late), nil)
		synctest.Wait()
		one.hints <- "too early"
		synctest.Wait()
		if heard := e.text(); heard != "" {
			t.Errorf("heard %q before all stood", heard)
		}
		close(begin)
		synctest.Wait()
		one.hints <- "a"
		synctest.Wait()
		two.hints <- "b"
		synctest.Wait()
		if heard := e.text(); heard != "standing a b " {
			t.Errorf("heard %q", heard)
		}
		broken := errors.New("broken")
		two.broken <- broken
		if err := <-e.ended; !errors.Is(err, broken) || one.running.Load() != 0 {
			t.Errorf("ended with %v, %d still run", err, one.running.Load())
		}
	})
}

package reconcile_test

import (
	"fmt"
	"testing"
	"time"

	"plumbline/reconcile"
	"plumbline/reconcile/window"
)

// Nobody pushes, and nobody asks: what a window held is applied when it opens.
func TestAWindowThatOpensLetsItsChangeGo(t *testing.T) {
	s := newScene(t)
	real := time.Now().UTC()
	opens := real.Truncate(time.Minute).Add(10 * time.Minute)
	s.ahead.Store(int64(opens.Sub(real) - 2*time.Second)) // it opens in two seconds
	s.wireWith(func(o *reconcile.Options) {
		o.Again = time.Hour // what is tried again anyway is not what wakes it
		o.Config.Windows = []reconcile.Window{{
			Rule: window.Rule{Name: "nights", Effect: "allow", Schedule: fmt.Sprintf("%d %d * * *", opens.Minute(), opens.Hour()), Zone: "UTC"}, Duration: reconcile.Duration(time.Hour),
		}}
	})
	id := s.repo.push("a", ground+declare("p", "h1", "/one"))
	s.run()
	s.until("held", func() bool { return len(s.Status().Refusals) > 0 })
	if s.world.dir(pool("p", "h1")) != "" {
		t.Error("it was applied outside of its window")
	}
	s.applied(id)
	s.until("done", func() bool { return s.world.dir(pool("p", "h1")) == "/one" })
}

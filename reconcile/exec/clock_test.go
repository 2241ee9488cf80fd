package exec_test

import (
	"testing"
	"time"
)

// A deadline is counted since boot on the host itself: neither who arms a change with a wrong clock nor who watches over it beside
// him with the right one takes it back too early or too late.
func TestAClockTenMinutesOffMovesNoDeadline(t *testing.T) {
	for _, off := range []time.Duration{10 * time.Minute, -10 * time.Minute} {
		t.Run(off.String(), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.self.Off = off
			open := w.dial
			hello, err := open().Hello(w.ctx())
			w.must(err)
			if got := time.Until(hello.Clock); (got - off).Abs() > time.Minute {
				t.Fatalf("the clock of the host is %s off", got)
			}
			e := open()
			c := w.waiting(e, nil)
			c.Confirm = 5 * time.Minute // half of what the clocks are apart
			w.must(e.Do(w.ctx(), c))
			w.must(open().Confirm(w.ctx(), step))
			w.is("new1\nnew2\n")
			w.write("old\nold\n")
			unconfirmedTest(w, open)
		})
	}
}

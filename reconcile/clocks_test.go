package reconcile

import (
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"plumbline/reconcile/exec"
)

func TestAHostWhoseClockIsWrongIsToldOnceAndObeyed(t *testing.T) {
	noon := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	var said strings.Builder
	c := &Controller{log: zerolog.New(&said), now: func() time.Time { return noon }}
	for _, off := range []time.Duration{time.Second, 10 * time.Minute, 10 * time.Minute, 0, -10 * time.Minute} {
		if err := c.compareClock("jino0", exec.Hello{Clock: noon.Add(off)}); err != nil {
			t.Errorf("%s: %v", off, err)
		}
	}
	if n := strings.Count(said.String(), "the clock of the host"); n != 2 {
		t.Errorf("told %d times, want 2:\n%s", n, said.String())
	}
}

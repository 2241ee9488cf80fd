package reconcile

import (
	"context"
	"sync/atomic"
	"time"

	"plumbline/actuators"
)

// pulse tells whether the loop turns. While it has nothing to do, it hands out a word to whoever asks; while it is at
// work, it beats with each phase and each event of a plan.
type pulse struct {
	rests   chan struct{}
	beat    atomic.Pointer[time.Time] // the last one; nil before the loop began
	longest atomic.Int64              // timeout of a step that is under way, in ns
}

// silence is how long the loop may be at something that is no step: reading a commit, looking at all hosts, planning.
const silence = 10 * time.Minute

// expect makes room for the steps of a plan.
func (p *pulse) expect(steps []actuators.Step) {
	longest := time.Duration(0)
	for _, step := range steps {
		longest = max(longest, step.Timeout)
	}
	p.longest.Store(int64(longest))
}

// patience is the longest silence at work that is no knot: of a step, Preflight, Capture, Do and the look at what came of it
// may take its timeout each.
func (p *pulse) patience() time.Duration { return silence + 4*time.Duration(p.longest.Load()) }

// phase says what the loop does from now on.
func (c *Controller) phase(p Phase) {
	c.beat()
	c.board.phase(p, c.now())
}

func (c *Controller) beat() {
	now := c.now()
	c.pulse.beat.Store(&now)
}

// Turns tells whether the loop of Run turns: it waits for something to do, or has shown within the time that the longest
// operation may take that it gets on. One that waits answers at once; the context bounds the question to one at work.
func (c *Controller) Turns(ctx context.Context) bool {
	select {
	case <-c.pulse.rests:
		return true
	case <-ctx.Done():
	}
	last := c.pulse.beat.Load()
	return last != nil && c.now().Sub(*last) < c.pulse.patience()
}

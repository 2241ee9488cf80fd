package run

import (
	"context"
	"fmt"
	"time"
)

// turns is whose turn it is: lanes of a later turn begin when all of the earlier ones have ended.
type turns struct {
	now   int
	left  map[int]int // lanes of each turn that have not ended
	lanes map[int][]*lane
	most  int
}

func newTurns(lanes []*lane) turns {
	t := turns{left: map[int]int{}, lanes: map[int][]*lane{}}
	for _, l := range lanes {
		if l.Last {
			continue // after all others in any case
		}
		t.left[l.Turn]++
		t.lanes[l.Turn] = append(t.lanes[l.Turn], l)
		t.most = max(t.most, l.Turn)
	}
	t.skip()
	return t
}

// skip goes on to the next turn that somebody has.
func (t *turns) skip() {
	for t.left[t.now] == 0 && t.now < t.most {
		t.now++
	}
}

// nextTurn takes in that a lane has ended.
func (r *runner) nextTurn(l *lane) {
	t := &r.round
	if l.Last {
		return
	}
	t.left[l.Turn]--
	if t.left[t.now] > 0 || t.now == t.most {
		return
	}
	t.skip()
	for _, next := range t.lanes[t.now] {
		r.goOn(next, "")
	}
}

// whatIsThere looks, before steps of what the controller stands on, what it reaches.
func (r *runner) whatIsThere(ctx context.Context, tasks []*task) {
	for _, t := range tasks {
		if t.lane.Self && r.in.Reach != nil {
			t.lost = r.in.Reach(ctx)
		}
	}
}

// reachLimit is how long, at most, what a change of the controller's own ground took away has time to come back by itself, as an address that
// moves does: nobody else can change anything meanwhile.
const reachLimit = 20 * time.Second

// stillThere fails steps after which the controller does not reach what it reached before: they are taken back, by their host alone where
// it waits for a confirmation.
func (r *runner) stillThere(ctx context.Context, tasks []*task, out []outcome) {
	for n, t := range tasks {
		if t.lost == nil || out[n].err != nil {
			continue
		}
		limit := min(t.Timeout, reachLimit)
		if t.Confirm > 0 {
			limit = t.Confirm / 2 // leaves time for the confirmation
		}
		ctx, cancel := context.WithTimeout(ctx, limit)
		if err := t.lost(ctx); err != nil {
			out[n].err = fmt.Errorf("it was done, and the controller stands on it and lost reach: %w", err)
		}
		cancel()
	}
}

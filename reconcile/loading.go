package reconcile

import (
	"context"
	"errors"
	"fmt"
	"time"

	"plumbline/schema"
)

// loadMost is how long the loop is at loading one commit. It ends before who watches over the loop loses patience (silence). What was
// evaluated by then is kept, so that the next try goes on from there.
const loadMost = silence - time.Minute

// errMoved ends the loading of a commit that is no longer the head.
var errMoved = errors.New("the branch moved on")

// loadHead loads the head, as long as it is the head: each package of a commit may take its time, and a commit has thousands. Nobody
// who pushes can keep the loop from what is pushed afterwards.
func (c *Controller) loadHead(ctx context.Context, commit string) (*schema.Graph, error) {
	within, end := context.WithTimeoutCause(ctx, loadMost, fmt.Errorf("cannot load commit %.10s in %s; it is tried again, and goes on from there", commit, loadMost))
	defer end()
	within, giveUp := context.WithCancelCause(within)
	defer giveUp(nil)
	go c.awaitMove(within, commit, giveUp)
	graph, err := c.Load(within, commit)
	if err != nil && within.Err() != nil && ctx.Err() == nil {
		err = context.Cause(within)
	}
	return graph, err
}

// awaitMove asks for the head now and then, and gives up what is done for a commit that is not it any more.
func (c *Controller) awaitMove(ctx context.Context, commit string, giveUp context.CancelCauseFunc) {
	for tick := time.NewTicker(c.again); ; {
		select {
		case <-ctx.Done():
			tick.Stop()
			return
		case <-tick.C:
		}
		if head, err := c.source.Head(ctx); err == nil && head.ID != commit {
			giveUp(fmt.Errorf("cannot load commit %.10s: %w to %.10s, which is considered now", commit, errMoved, head.ID))
		}
	}
}

package reconcile

import (
	"context"
	"errors"
	"fmt"
	"time"

	"plumbline/reconcile/plan"
	"plumbline/reconcile/run"
	"plumbline/schema"
	"plumbline/sources"
)

// Run follows the source until the context ends: it takes up what an earlier process left open, then considers every new
// head, and watches what is applied for drift. It returns the context's error.
func (c *Controller) Run(ctx context.Context) error {
	if c.store == nil {
		return ErrNoStore
	}
	c.board.phase(Applying, c.now())
	results, err := c.Resume(ctx, c.onProgress)
	if err != nil {
		return fmt.Errorf("cannot take up an open plan: %w", err)
	}
	for _, r := range results {
		c.log.Info().Str("plan", r.Plan).Str("verdict", string(r.Verdict)).Msg("took up an open plan")
	}
	wake := make(chan struct{}, 1)
	watched := make(chan error, 1)
	go func() { watched <- c.source.Watch(ctx, func() { signalOnce(wake) }) }()
	drifting := c.startDrift(ctx)
	defer func() { <-drifting }()
	c.board.phase(Waiting, c.now())
	return c.follow(ctx, wake, watched)
}

func signalOnce(wake chan<- struct{}) {
	select {
	case wake <- struct{}{}:
	default:
	}
}

// again is how soon a head is considered anew when something kept it from being applied in full and may pass by itself.
const again = 10 * time.Second

func (c *Controller) follow(ctx context.Context, wake <-chan struct{}, watched <-chan error) error {
	var retry <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-watched:
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return fmt.Errorf("cannot watch the source any more: %w", err)
		case <-wake:
		case <-c.nudge:
			c.handled = ""
		case <-retry:
			c.handled = ""
		}
		retry = nil
		if c.turn(ctx) {
			retry = time.After(again)
		}
	}
}

// turn considers the head if it was not considered yet. It tells whether to try again soon.
func (c *Controller) turn(ctx context.Context) (retry bool) {
	defer c.board.phase(Waiting, c.now())
	head, err := c.source.Head(ctx)
	if err != nil {
		if ctx.Err() == nil {
			c.fault("", fmt.Errorf("cannot read the source: %w", err))
		}
		return !errors.Is(err, sources.ErrGone)
	}
	if head.ID == c.handled {
		return false
	}
	if why := c.suspension(); why != "" {
		c.board.update(func(s *Status) { s.Head, s.Suspended = head.ID, why })
		return false
	}
	c.board.update(func(s *Status) {
		if s.Head != head.ID {
			s.Verdict = "" // the one of the old head
		}
		s.Head, s.Suspended = head.ID, ""
	})
	if err := c.forward(ctx, head.ID); err != nil {
		c.fault(head.ID, err)
		c.handled = head.ID
		return false
	}
	retry = c.consider(ctx, head)
	if ctx.Err() == nil {
		c.handled = head.ID
	}
	return retry
}

// forward refuses a head that does not build on the newest commit that was ever accepted.
func (c *Controller) forward(ctx context.Context, id string) error {
	commits, err := c.store.Commits()
	if err != nil || commits.Highest == "" || commits.Highest == id {
		return err
	}
	ok, err := c.source.Descends(ctx, id, commits.Highest)
	if err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("cannot follow to commit %.10s: history was rewritten, it does not build on %.10s, which was accepted before; push a commit that does, or accept the rewind with \"plumb resume --rewind\"", id, commits.Highest)
	}
	return nil
}

// consider loads, plans and applies one commit and tells what came of it. It tells whether to try again soon.
func (c *Controller) consider(ctx context.Context, head sources.Commit) (retry bool) {
	c.board.phase(Loading, c.now())
	graph, err := c.Load(ctx, head.ID)
	if err != nil {
		c.fault(head.ID, err)
		return false
	}
	c.board.phase(Planning, c.now())
	p, err := c.planGraph(ctx, graph, nil)
	if err != nil {
		c.fault(head.ID, err)
		return false
	}
	if err := c.store.SetHighest(head.ID); err != nil {
		c.fault(head.ID, err)
		return false
	}
	c.board.phase(Applying, c.now())
	result, err := c.Apply(ctx, p, c.onProgress)
	if err != nil {
		c.fault(head.ID, err)
		return ctx.Err() == nil
	}
	c.settle(graph, p, result)
	return result.Replan || incomplete(p)
}

// incomplete tells whether something was left out that may pass by itself: a host that did not answer.
func incomplete(p *plan.Plan) bool { return len(p.Refusals) > 0 && !p.Refused() }

// settle writes the outcome on the board and tells it.
func (c *Controller) settle(graph *schema.Graph, p *plan.Plan, result run.Result) {
	c.setGraph(graph)
	commits, _ := c.store.Commits()
	var held []string
	for _, l := range p.Lanes {
		if l.Held != "" {
			held = append(held, fmt.Sprintf("lane %d (%s): %s", l.ID, l.Objects[0], l.Held))
		}
	}
	c.board.update(func(s *Status) {
		s.Applied, s.Verdict, s.Plan, s.Error, s.Problems = commits.Applied, string(result.Verdict), p.ID, "", nil
		s.Refusals, s.Held, s.Notes, s.Objects = p.Refusals, held, p.Notes, len(graph.Objects)
	})
	c.tellResult(p, result)
}

// fault writes why a head goes no further and tells it, once for the same words.
func (c *Controller) fault(commit string, err error) {
	var problems schema.Problems
	errors.As(err, &problems)
	var repeated bool
	c.board.update(func(s *Status) {
		repeated = s.Error == err.Error()
		s.Verdict, s.Error, s.Problems = "refused", err.Error(), problems
	})
	if !repeated {
		c.tellFault(commit, err)
	}
}

func (c *Controller) onProgress(e run.Event) {
	for _, listener := range c.listening() {
		listener(e)
	}
}

package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"plumbline/reconcile/plan"
	"plumbline/reconcile/run"
	"plumbline/schema"
	"plumbline/sources"
	"plumbline/sources/trust"
)

// Run follows the source until the context ends: it takes up what an earlier process left open, then considers every new
// head, and watches what is applied for drift. It returns the context's error.
func (c *Controller) Run(ctx context.Context) error {
	if c.store == nil {
		return ErrNoStore
	}
	results, err := c.takeUp(ctx)
	if err != nil {
		return err
	}
	for _, r := range results {
		c.log.Info().Str("plan", r.Plan).Str("verdict", string(r.Verdict)).Msg("took up an open plan")
	}
	c.boardApplied()
	wake := make(chan struct{}, 1)
	watched := make(chan error, 1)
	go func() { watched <- c.source.Watch(ctx, func() { signalOnce(wake) }) }()
	drifting := c.startDrift(ctx)
	defer func() { <-drifting }()
	c.phase(Waiting)
	return c.follow(ctx, wake, watched)
}

// takeUp takes up open plans once nothing is frozen; what freezes just then is waited for, too.
func (c *Controller) takeUp(ctx context.Context) ([]run.Result, error) {
	for {
		if err := c.thaw(ctx); err != nil {
			return nil, err
		}
		c.phase(Applying)
		switch results, err := c.Resume(ctx, c.onProgress); {
		case errors.Is(err, ErrFrozen):
			continue
		case err == nil || errors.Is(err, ErrBehind):
			return results, err
		default:
			return nil, fmt.Errorf("cannot take up an open plan: %w", err)
		}
	}
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
	freezing := time.NewTicker(freezeEvery)
	defer freezing.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-watched:
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return fmt.Errorf("cannot watch the source any more: %w", err)
		case c.pulse.rests <- struct{}{}:
			continue
		case <-freezing.C:
			if !c.heedFreeze() && !c.heedSuspension() {
				continue
			}
		case <-wake:
		case <-c.nudge:
			c.handled = ""
		case <-c.hint:
		case <-retry:
			c.handled, retry = "", nil
		}
		switch due := c.turn(ctx); {
		case due && retry == nil:
			retry = time.After(c.again)
		case !due && !c.opens.IsZero():
			retry = time.After(min(time.Hour, max(time.Second, c.opens.Sub(c.now())))) // the clock may be set meanwhile
		case !due:
			retry = nil
		}
	}
}

// turn considers the head if it was not considered yet. It tells whether to try again soon.
func (c *Controller) turn(ctx context.Context) (retry bool) {
	c.beat()
	defer func() { c.phase(Waiting) }()
	c.heedFreeze()
	c.heedSuspension()
	head, err := c.source.Head(ctx)
	if err != nil {
		if ctx.Err() == nil {
			c.lost(err)
		}
		return !errors.Is(err, sources.ErrGone) && !errors.Is(err, sources.ErrLimit)
	}
	c.found(head)
	why := c.suspension()
	c.board.update(func(s *Status) { s.Suspended = why })
	switch {
	case why != "":
		return true
	case head.ID == c.handled:
		return c.unfinished
	}
	c.unfinished = c.consider(ctx, head)
	if ctx.Err() == nil {
		c.handled = head.ID
	}
	return c.unfinished
}

// lost says that the source cannot be read. What is applied stays, and is watched and healed as before.
func (c *Controller) lost(err error) {
	c.board.update(func(s *Status) { s.Source = err.Error() })
	c.tellFault("", err)
}

// found takes in the head, and tells that the source is back if it was lost.
func (c *Controller) found(head sources.Commit) {
	back := c.tellNews(newsSource, "")
	c.board.update(func(s *Status) {
		if s.Head != head.ID {
			s.Verdict = "" // the one of the old head
		}
		s.Source, s.Head = "", head.ID
	})
	if back {
		c.tellFound(head.ID)
	}
}

// errRewritten means that the head does not build on what was accepted before.
var errRewritten = errors.New("history was rewritten")

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
		return fmt.Errorf("cannot follow to commit %.10s: %w, it does not build on %.10s, which was accepted before; push a commit that does, or accept the rewind with \"plumb resume --rewind\"", id, errRewritten, commits.Highest)
	}
	return nil
}

// related refuses a commit that a person orders and that neither builds on the newest accepted one nor is an ancestor of it.
func (c *Controller) related(ctx context.Context, id string) error {
	err := c.forward(ctx, id)
	if !errors.Is(err, errRewritten) {
		return err
	}
	commits, e := c.store.Commits()
	if e != nil {
		return e
	}
	if back, e := c.source.Descends(ctx, commits.Highest, id); e != nil || back {
		return e
	}
	return err
}

// consider loads, plans and applies one commit and tells what came of it. It tells whether to try again soon.
func (c *Controller) consider(ctx context.Context, head sources.Commit) (retry bool) {
	c.opens = time.Time{}
	result, p, graph, err := c.advance(ctx, head.ID)
	if errors.Is(err, ErrFrozen) {
		return true
	}
	if errors.Is(err, errMoved) {
		c.log.Info().Str("commit", head.ID).Msg("the branch moved on while the commit was loaded")
		c.Reconsider()
		return true
	}
	if err != nil {
		if ctx.Err() == nil {
			c.fault(head.ID, err)
		}
		return passing(err)
	}
	c.settle(graph, p, result)
	if result.Replan && !c.replanned {
		c.Reconsider() // at once; if that does not help either, after a pause
	}
	c.replanned, c.opens = result.Replan, p.Opens
	return result.Replan || p.Incomplete() || withheld(p, result) || unreached(result)
}

// unreached tells whether a lane went no further because a host did not answer before anything was begun: nothing is parked
// for that, so that nobody else would try again.
func unreached(r run.Result) bool {
	return slices.ContainsFunc(r.Lanes, func(l run.LaneResult) bool { return l.Cause == run.CauseUnreachable })
}

// withheld tells whether a lane did not begin because a window closed, or everything was frozen, while the plan ran.
func withheld(p *plan.Plan, r run.Result) bool {
	return slices.ContainsFunc(r.Lanes, func(l run.LaneResult) bool {
		return l.Outcome == run.LaneHeld && !slices.ContainsFunc(p.Lanes, func(planned plan.Lane) bool { return planned.ID == l.Lane && planned.Held != "" })
	})
}

// advance brings the datacenter to a commit.
func (c *Controller) advance(ctx context.Context, commit string) (result run.Result, p *plan.Plan, graph *schema.Graph, err error) {
	if err = c.forward(ctx, commit); err != nil {
		return result, nil, nil, err
	}
	signer, err := c.trusted(ctx, commit)
	if err != nil {
		return result, nil, nil, err
	}
	c.phase(Loading)
	if graph, err = c.loadHead(ctx, commit); err != nil {
		return result, nil, nil, err
	}
	c.phase(Planning)
	if p, err = c.planGraph(ctx, graph, scope{purge: true, pushed: true}); err != nil {
		return result, nil, nil, err
	}
	if err = c.seen(ctx, p); err != nil {
		return result, nil, nil, err
	}
	if err = c.accept(commit, signer); err != nil {
		return result, nil, nil, err
	}
	c.phase(Applying)
	result, err = c.apply(ctx, p, loop, c.onProgress)
	return result, p, graph, err
}

// passing tells whether an error may pass by itself: all but those that only another commit or a person mends.
func passing(err error) bool {
	var problems schema.Problems
	bad := errors.Is(err, sources.ErrLimit) || errors.Is(err, sources.ErrName) || errors.Is(err, sources.ErrIrregular) // a commit does not mend
	return !bad && !errors.As(err, &problems) && !errors.Is(err, trust.ErrUntrusted) && !errors.Is(err, ErrEmpty) && !errors.Is(err, errRewritten)
}

// held names the lanes that wait: those that the plan held, and those whose effect failed and is parked from now on.
func held(p *plan.Plan, r run.Result) []string {
	failed := map[int]string{}
	for _, l := range r.Lanes {
		if l.Outcome == run.LaneRolledBack && l.Cause == run.CauseError {
			failed[l.Lane] = l.Err
		}
	}
	var out []string
	for _, l := range p.Lanes {
		switch {
		case l.Held != "":
			out = append(out, fmt.Sprintf("lane %d (%s): %s", l.ID, l.Objects[0], l.Held))
		case failed[l.ID] != "":
			out = append(out, fmt.Sprintf("lane %d (%s): %s; change it, or \"plumb resume %.19s\"", l.ID, l.Objects[0], failed[l.ID], l.EffectDigest))
		}
	}
	return out
}

// settle writes the outcome on the board and tells it.
func (c *Controller) settle(graph *schema.Graph, p *plan.Plan, result run.Result) {
	c.setGraph(graph)
	c.follows(graph.Ignores)
	if result.Verdict == run.Applied && len(p.Refusals) > 0 {
		result.Verdict = run.Partly // every lane went through, and something was left out
	}
	held := held(p, result)
	c.board.update(func(s *Status) {
		s.Verdict, s.Plan, s.Error, s.Problems = string(result.Verdict), p.ID, "", nil
		s.Refusals, s.Held, s.Notes = p.Refusals, held, p.Notes
	})
	c.tellNews(newsFault, "")
	c.tellOutcome(p, result)
}

// fault writes why a head goes no further and tells it, once for the same words.
func (c *Controller) fault(commit string, err error) {
	var problems schema.Problems
	errors.As(err, &problems)
	c.board.update(func(s *Status) {
		s.Verdict, s.Error, s.Problems = "refused", err.Error(), problems
	})
	c.tellFault(commit, err)
}

func (c *Controller) onProgress(e run.Event) {
	c.beat()
	for _, listener := range c.listening() {
		listener(e)
	}
}

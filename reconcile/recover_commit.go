package reconcile

import (
	"context"
	"errors"
	"fmt"

	"plumbline/actuators"
	"plumbline/reconcile/diff"
	"plumbline/schema"
)

// recoverDepth is how many commits are read to find the specs that the marks name.
const recoverDepth = 200

// applied is a spec that a mark names.
type applied struct {
	instance schema.Instance
	hash     string
}

// explained is the commit that explains the marks best, and what others explain.
type explained struct {
	best     *schema.Graph
	score    int // marks whose spec is the one of best
	specs    map[applied]spec
	declared map[schema.Instance]string // newest commit that declares it
}

type spec struct {
	node   *schema.Node
	commit string
}

// candidates are the commits to be tried, newest first. A named one stands in front of its ancestors, which only explain.
func (c *Controller) candidates(ctx context.Context, named string) ([]string, error) {
	from := named
	if from == "" {
		head, err := c.source.Head(ctx)
		if err != nil {
			return nil, err
		}
		from = head.ID
	}
	log, err := c.source.Log(ctx, from, recoverDepth)
	if err != nil {
		return nil, err
	}
	all := []string{from}
	for _, commit := range log {
		if commit.ID != from {
			all = append(all, commit.ID)
		}
	}
	return all, nil
}

// firstSound is the newest commit that can be read: it tells which hosts there are.
func (c *Controller) firstSound(ctx context.Context, log []string) (*schema.Graph, error) {
	var first error
	for _, commit := range log {
		graph, err := c.Load(ctx, commit)
		if err == nil {
			return graph, nil
		}
		var problems schema.Problems
		if !errors.As(err, &problems) && !errors.Is(err, ErrEmpty) {
			return nil, err
		}
		if first == nil {
			first = err
		}
	}
	return nil, fmt.Errorf("cannot recover: no commit can be read: %w", first)
}

// marksOf gathers the spec hashes of all marks of an installation.
func marksOf(world *diff.World, installation string) map[applied]bool {
	marks := map[applied]bool{}
	for _, look := range world.Looks() {
		for n := range look.Found {
			if one := &look.Found[n]; look.Err == "" && one.Mark != nil && one.Mark.Installation == installation && !one.Retired {
				marks[applied{one.ID.On(look.Host), one.Mark.Hash}] = true
			}
		}
	}
	return marks
}

// explain reads commits, newest first, until all marks are explained. The best one is the named one, or the one that explains
// most; of equals the one that lacks the fewest objects on the hosts, then the newest. What holds data and is not there does
// not count against a commit: rather is it asked for in vain than made anew.
func (c *Controller) explain(ctx context.Context, log []string, marks map[applied]bool, named bool) (explained, error) {
	e := explained{specs: map[applied]spec{}, declared: map[schema.Instance]string{}}
	there := map[schema.Instance]bool{}
	for mark := range marks {
		there[mark.instance] = true
	}
	fewest := 0
	for n, commit := range log {
		graph, err := c.Load(ctx, commit)
		switch {
		case ctx.Err() != nil:
			return e, ctx.Err()
		case err != nil && n == 0 && named:
			return e, err
		case err != nil:
			continue // a commit with mistakes was never applied
		}
		score, lacking := e.learn(c.kinds, graph, marks, there)
		if e.best == nil || !named && (score > e.score || score == e.score && lacking < fewest) {
			e.best, e.score, fewest = graph, score, lacking
		}
		if len(e.specs) == len(marks) && (named || e.score == len(marks) && fewest == 0) {
			break
		}
	}
	return e, nil
}

// learn takes in what a commit declares.
func (e explained) learn(kinds *actuators.Registry, graph *schema.Graph, marks map[applied]bool, there map[schema.Instance]bool) (score, lacking int) {
	for _, n := range graph.Nodes {
		if e.declared[n.Instance] == "" {
			e.declared[n.Instance] = graph.Commit
		}
		key := applied{n.Instance, n.Hash}
		kind, ok := kinds.Kind(n.ID.Kind())
		switch {
		case marks[key]:
			score++
			if e.specs[key].node == nil {
				e.specs[key] = spec{n, graph.Commit}
			}
		case ok && !there[n.Instance] && !kind.Unmarked && !kind.HoldsData:
			lacking++
		}
	}
	return score, lacking
}

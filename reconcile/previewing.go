package reconcile

import (
	"context"
	"errors"

	"plumbline/reconcile/plan"
	"plumbline/reconcile/preview"
	"plumbline/schema"
	"plumbline/sources"
)

// Preview tells what a commit of another source, or of another branch, would do if base, a commit of the followed branch,
// became it. Mistakes of its topology are no error but the preview's answer. Nothing is locked, and nothing is remembered.
func (c *Controller) Preview(ctx context.Context, base string, from sources.Source, commit string) (preview.Preview, error) {
	request, err := c.planFrom(ctx, from, commit)
	problems, err := mistakes(err)
	if err != nil || problems != nil {
		return preview.Preview{Base: base, Head: commit, Problems: problems}, err
	}
	before, err := c.planFrom(ctx, c.source, base)
	problems, err = mistakes(err)
	if errors.Is(err, ErrEmpty) || problems != nil {
		before, err = &plan.Plan{Commit: base}, nil // of a branch that cannot be planned, nothing would happen anyway
	}
	if err != nil {
		return preview.Preview{}, err
	}
	return preview.Compare(before, request), nil
}

func (c *Controller) planFrom(ctx context.Context, source sources.Source, commit string) (*plan.Plan, error) {
	graph, err := c.loadFrom(ctx, source, commit)
	if err != nil {
		return nil, err
	}
	return c.planGraph(ctx, graph, scope{purge: true, by: free})
}

// mistakes takes those of a topology out of an error.
func mistakes(err error) (schema.Problems, error) {
	var problems schema.Problems
	if errors.As(err, &problems) {
		return problems, nil
	}
	return nil, err
}

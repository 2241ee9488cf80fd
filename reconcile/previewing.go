package reconcile

import (
	"context"
	"errors"
	"io/fs"

	"plumbline/reconcile/plan"
	"plumbline/reconcile/preview"
	"plumbline/schema"
	"plumbline/sources"
)

// Candidate is what the followed branch would hold if a request was merged.
type Candidate struct {
	ID       string // names the content: equal ones are equal
	Tree     fs.FS
	From     sources.Source // that has the commits; nil: no approvals are counted
	Commits  []string       // that it is made of, whose approvals count
	Stranger bool           // made by somebody who may not push: what is evaluated shares neither worker nor cache with anything
}

// Preview tells what a commit of another source, or of another branch, would do if base, a commit of the followed branch,
// became it. Mistakes of its topology are no error but the preview's answer. Nothing is locked, and nothing is remembered.
func (c *Controller) Preview(ctx context.Context, base string, from sources.Source, commit string) (preview.Preview, error) {
	tree, err := treeOf(ctx, from, commit)
	if err != nil {
		return preview.Preview{}, err
	}
	return c.PreviewOf(ctx, base, Candidate{ID: commit, Tree: tree, From: from, Commits: []string{commit}})
}

// PreviewOf is Preview of a content that is at hand.
func (c *Controller) PreviewOf(ctx context.Context, base string, of Candidate) (preview.Preview, error) {
	request, err := c.planCandidate(ctx, of)
	problems, err := mistakes(err)
	if err != nil || problems != nil {
		return preview.Preview{Base: base, Head: of.ID, Problems: problems}, err
	}
	before, err := c.Standing(ctx, base)
	if err != nil {
		return preview.Preview{}, err
	}
	return preview.Compare(before, request), nil
}

// Standing is the plan of a commit of the followed branch, drift included, with nothing in it if that cannot be planned.
func (c *Controller) Standing(ctx context.Context, base string) (*plan.Plan, error) {
	graph, err := c.Load(ctx, base)
	var p *plan.Plan
	if err == nil {
		p, err = c.planGraph(ctx, graph, scope{purge: true, by: free, look: true, from: c.source})
	}
	problems, err := mistakes(err)
	if errors.Is(err, ErrEmpty) || problems != nil {
		return &plan.Plan{Commit: base}, nil
	}
	return p, err
}

// Validate finds the mistakes of a candidate, and looks at no host.
func (c *Controller) Validate(ctx context.Context, of Candidate) (schema.Problems, error) {
	_, err := c.loadCandidate(ctx, of)
	return mistakes(err)
}

func (c *Controller) planCandidate(ctx context.Context, of Candidate) (*plan.Plan, error) {
	graph, err := c.loadCandidate(ctx, of)
	if err != nil {
		return nil, err
	}
	c.nameHosts(graph)
	return c.planGraph(ctx, graph, scope{purge: true, pushed: true, by: free, look: true, from: of.From, commits: of.Commits})
}

func (c *Controller) loadCandidate(ctx context.Context, of Candidate) (*schema.Graph, error) {
	inv, err := c.inventory()
	if err != nil {
		return nil, err
	}
	eval, cache := c.eval, c.cache
	if of.Stranger {
		eval, cache = c.fresh, schema.NewCache("")
	}
	graph, err := schema.Load(ctx, of.Tree, of.ID, c.kinds, schema.WithEvaluator(eval), schema.WithCache(cache), schema.WithFormer(formerProvider(inv)))
	if err == nil && len(graph.Nodes) == 0 && len(inv) > 0 {
		err = ErrEmpty
	}
	if err == nil {
		err = checkPolicies(ctx, eval, of.Tree)
	}
	return graph, err
}

// DeclaredIn is the files that declare objects in a commit, or did when they were applied last.
func (c *Controller) DeclaredIn(ctx context.Context, commit string, objects []schema.Instance) (map[string]bool, error) {
	graph, err := c.Load(ctx, commit)
	if err != nil {
		return nil, err
	}
	inv, err := c.inventory()
	if err != nil {
		return nil, err
	}
	files := map[string]bool{}
	for _, i := range objects {
		if node := graph.Node(i); node != nil {
			files[node.Object.Pos.File] = true
		}
		if entry := inv[i]; entry != nil {
			files[entry.Pos.File] = true
		}
	}
	return files, nil
}

// mistakes takes those of a topology out of an error.
func mistakes(err error) (schema.Problems, error) {
	var problems schema.Problems
	if errors.As(err, &problems) {
		return problems, nil
	}
	return nil, err
}

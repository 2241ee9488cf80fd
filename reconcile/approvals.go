package reconcile

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"plumbline/reconcile/inventory"
	"plumbline/reconcile/plan"
	"plumbline/schema"
	"plumbline/sources"
	"plumbline/sources/trust"
)

// guarded is a path that changes only when people agree.
type guarded struct {
	trust.Protected
	pattern string
	pos     schema.Pos
}

// approved holds the lanes that change what is declared below a protected path and that not enough people agreed to. A way
// back, and what only heals, was agreed to before.
func (c *Controller) approved(ctx context.Context, p *plan.Plan, inv inventory.Inventory, applied string, of scope) error {
	if c.cfg.Trust == nil || len(c.cfg.Trust.Paths) == 0 || of.only != nil || of.by == free && !of.look {
		return nil
	}
	touched := c.touched(p, inv)
	if len(touched) == 0 {
		return nil
	}
	from := of.from
	if from == nil && !of.look {
		from = c.source
	}
	commits := of.commits
	if commits == nil {
		commits = []string{p.Commit}
	}
	approvals, writers, err := c.agreed(ctx, from, commits, applied)
	if err != nil {
		return err
	}
	for id, guards := range touched {
		lane := &p.Lanes[id-1]
		fresh, err := unspent(ctx, from, approvals, lane, inv)
		if err != nil {
			return err
		}
		for _, g := range guards {
			agreed, why := g.count(lane.EffectDigest, fresh, writers)
			lane.Agreed = append(lane.Agreed, agreed)
			if why != "" && lane.Held == "" {
				lane.Held, lane.Unapproved = why, true
			}
		}
	}
	return nil
}

// agreed lists what commits agree to that were not applied yet, and who wrote them. In a plain directory nobody agrees to anything.
func (c *Controller) agreed(ctx context.Context, from sources.Source, commits []string, applied string) (approvals []trust.Approval, writers []trust.Writer, err error) {
	src, ok := from.(sources.Signable)
	if !ok {
		return nil, nil, nil
	}
	for _, commit := range commits {
		a, w, err := c.policy().Agreed(ctx, src, commit, applied)
		if err != nil {
			return nil, nil, fmt.Errorf("cannot count approvals: %w", err)
		}
		approvals, writers = append(approvals, a...), append(writers, w...)
	}
	return approvals, writers, nil
}

// touched lists the protected paths that each lane changes something of: by where it is declared, and where it was.
func (c *Controller) touched(p *plan.Plan, inv inventory.Inventory) map[int][]guarded {
	out := map[int][]guarded{}
	for _, change := range p.Changes {
		if change.Lane == 0 || len(change.Steps) == 0 {
			continue
		}
		files := []string{change.Pos.File}
		if entry := inv[change.Instance]; entry != nil {
			files = append(files, entry.Pos.File)
		}
		for _, pattern := range slices.Sorted(maps.Keys(c.cfg.Trust.Paths)) {
			covers := slices.ContainsFunc(files, func(file string) bool { return trust.Covers(pattern, file) })
			if covers && !slices.ContainsFunc(out[change.Lane], func(g guarded) bool { return g.pattern == pattern }) {
				out[change.Lane] = append(out[change.Lane], guarded{c.cfg.Trust.Paths[pattern], pattern, c.cfg.Trust.places[pattern]})
			}
		}
	}
	return out
}

// unspent leaves out approvals that an object of the lane was applied with, or after: each counts for one time.
func unspent(ctx context.Context, src sources.Source, approvals []trust.Approval, lane *plan.Lane, inv inventory.Inventory) (out []trust.Approval, err error) {
	for _, a := range approvals {
		if a.Effect != lane.EffectDigest {
			continue
		}
		spent := false
		for _, i := range lane.Objects {
			entry := inv[i]
			if entry == nil || spent {
				continue
			}
			if spent, err = src.Descends(ctx, entry.Commit, a.Commit); errors.Is(err, sources.ErrNoCommit) {
				err = nil
			}
			if err != nil {
				return nil, err
			}
		}
		if !spent {
			out = append(out, a)
		}
	}
	return out, nil
}

// count tells who agreed to an effect, and what it lacks, which rule wants it, and how people agree; "" when enough did.
func (g guarded) count(effect string, approvals []trust.Approval, writers []trust.Writer) (plan.Agreement, string) {
	names, unknown := g.Count(g.pattern, effect, approvals, writers)
	return plan.Agreement{Rule: g.pattern, Pos: g.pos, Need: g.Approvals, Of: g.Of, Names: names}, g.lacks(effect, names, unknown)
}

func (g guarded) lacks(effect string, names []string, unknown *trust.Writer) string {
	rule := fmt.Sprintf("trust.paths %q (%s)", g.pattern, g.pos)
	switch {
	case unknown != nil:
		return fmt.Sprintf("%s: commit %.10s changed it and %s, so that nobody knows who may not agree to it; sign it (git commit --amend -S) and push again", rule, unknown.Commit, unknown.Void)
	case len(names) >= g.Approvals:
		return ""
	}
	return fmt.Sprintf("%s: %d of %d approvals (%s); whoever of %s did not write it agrees with: git commit --allow-empty -S -m \"Approve\" --trailer \"Plumb-Approve: %s\"",
		rule, len(names), g.Approvals, cmp.Or(strings.Join(names, ", "), "none"), strings.Join(g.Of, ", "), effect)
}

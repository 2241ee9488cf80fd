package git

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"

	"plumbline/sources"
)

var _ sources.Signable = (*Source)(nil)

// Since implements sources.Signable. Where clocks of committers were wrong it may list a commit that base has, too, and
// never leaves one out that base has not.
func (s *Source) Since(ctx context.Context, id, base string, first bool) ([]sources.Signed, error) {
	list, err := s.since(ctx, id, base, first)
	if err != nil {
		return nil, fmt.Errorf("cannot list what %s brings: %w", id, err)
	}
	return list, nil
}

func (s *Source) since(ctx context.Context, id, base string, first bool) ([]sources.Signed, error) {
	from, err := parse(id)
	if err != nil {
		return nil, err
	}
	st, err := s.open()
	if err != nil {
		return nil, err
	}
	edge, err := st.repo.Storer.Shallow()
	if err != nil {
		return nil, err
	}
	w := &painter{store: st, first: first, edge: edge, old: map[plumbing.Hash]bool{}, seen: map[plumbing.Hash]bool{}}
	if base != "" {
		to, err := parse(base)
		if err == nil {
			err = w.meet(to, true)
		}
		if err != nil {
			return nil, err
		}
	}
	if err := w.meet(from, false); err != nil {
		return nil, err
	}
	return w.paint(ctx)
}

// painter walks down from two commits at once, the newest first. What is met from base is old, and so is all below it; it
// ends when nothing new waits.
type painter struct {
	store *store
	first bool
	edge  []plumbing.Hash // of a shallow clone

	next newest
	news int // commits that wait and are not old
	seen map[plumbing.Hash]bool
	old  map[plumbing.Hash]bool
	list []*object.Commit
}

// meet takes in a commit from above: one that was taken for new may turn out to be old while it waits.
func (w *painter) meet(h plumbing.Hash, old bool) error {
	switch {
	case w.seen[h] && old && !w.old[h]:
		w.old[h] = true
		if slices.ContainsFunc(w.next, func(c *object.Commit) bool { return c.Hash == h }) {
			w.news--
		}
		return nil
	case w.seen[h]:
		return nil
	}
	c, err := w.store.commit(h)
	if err != nil {
		return err
	}
	w.seen[h], w.old[h] = true, old
	if !old {
		w.news++
	}
	heap.Push(&w.next, c)
	return nil
}

func (w *painter) paint(ctx context.Context) ([]sources.Signed, error) {
	for w.news > 0 {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		c := heap.Pop(&w.next).(*object.Commit)
		old := w.old[c.Hash]
		if !old {
			w.news--
			w.list = append(w.list, c)
			if len(w.list) > sources.MostSince {
				return nil, &sources.LimitError{What: "commits at once", Have: int64(len(w.list)), Most: sources.MostSince}
			}
		}
		parents := c.ParentHashes
		if w.first && !old && len(parents) > 1 {
			parents = parents[:1]
		}
		for _, p := range parents {
			err := w.meet(p, old)
			if errors.Is(err, sources.ErrNoCommit) && slices.Contains(w.edge, c.Hash) {
				err = fmt.Errorf("%s is a shallow clone and its history ends too early: %w", w.store.name, sources.ErrUnsupported)
			}
			if err != nil {
				return nil, err
			}
		}
	}
	return w.signed()
}

// signed reads what is new, parents before children.
func (w *painter) signed() ([]sources.Signed, error) {
	isNew := map[plumbing.Hash]*object.Commit{}
	for _, c := range w.list {
		if !w.old[c.Hash] {
			isNew[c.Hash] = c
		}
	}
	var out []sources.Signed
	done := map[plumbing.Hash]bool{}
	type visit struct {
		c    *object.Commit
		next int // parent to look at
	}
	for _, top := range w.list {
		for stack := []visit{{c: top}}; len(stack) > 0; {
			v := &stack[len(stack)-1]
			if isNew[v.c.Hash] == nil || done[v.c.Hash] {
				stack = stack[:len(stack)-1]
				continue
			}
			if v.next < len(v.c.ParentHashes) {
				p := isNew[v.c.ParentHashes[v.next]]
				v.next++
				if p != nil {
					stack = append(stack, visit{c: p})
				}
				continue
			}
			one, err := w.store.signed(v.c)
			if err != nil {
				return nil, err
			}
			done[v.c.Hash] = true
			out = append(out, one)
			stack = stack[:len(stack)-1]
		}
	}
	return out, nil
}

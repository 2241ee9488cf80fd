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

// What a commit is known to be an ancestor of.
const (
	ofOurs   = 1 << iota
	ofTheirs // both: a common ancestor
	ofCommon // below a common ancestor, and so not the best one
)

// mergeBase is the one best common ancestor of two commits (git-merge-base(1)). None, or several, is a conflict: what git makes of
// those is nothing to build a preview on.
func (s *store) mergeBase(ctx context.Context, ours, theirs *object.Commit) (*object.Commit, error) {
	edge, err := s.repo.Storer.Shallow()
	if err != nil {
		return nil, err
	}
	w := &meeting{store: s, edge: edge, marks: map[plumbing.Hash]int{}}
	w.mark(ours, ofOurs)
	w.mark(theirs, ofTheirs)
	common, err := w.walk(ctx)
	if err != nil {
		return nil, err
	}
	common = slices.DeleteFunc(common, func(c *object.Commit) bool { return w.marks[c.Hash]&ofCommon != 0 })
	switch len(common) {
	case 1:
		return common[0], nil
	case 0:
		return nil, fmt.Errorf("%w: they have no common ancestor", sources.ErrConflict)
	}
	return nil, fmt.Errorf("%w: they have %d best common ancestors; merge the branch into the request first", sources.ErrConflict, len(common))
}

// meeting walks down from two commits at once, the newest first, until only ancestors of common ancestors wait.
type meeting struct {
	*store
	edge  []plumbing.Hash // of a shallow clone
	next  newest
	marks map[plumbing.Hash]int
}

// mark adds to what is known of a commit; what is new about it goes down to its parents.
func (w *meeting) mark(c *object.Commit, as int) {
	if w.marks[c.Hash]|as == w.marks[c.Hash] {
		return
	}
	w.marks[c.Hash] |= as
	heap.Push(&w.next, c)
}

func (w *meeting) walk(ctx context.Context) (common []*object.Commit, err error) {
	for slices.ContainsFunc(w.next, func(c *object.Commit) bool { return w.marks[c.Hash]&ofCommon == 0 }) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		c := heap.Pop(&w.next).(*object.Commit)
		as := w.marks[c.Hash]
		if as == ofOurs|ofTheirs {
			if !slices.ContainsFunc(common, func(old *object.Commit) bool { return old.Hash == c.Hash }) {
				common = append(common, c)
			}
			as |= ofCommon
		}
		for _, p := range c.ParentHashes {
			parent, err := w.commit(p)
			if errors.Is(err, sources.ErrNoCommit) && slices.Contains(w.edge, c.Hash) {
				continue
			}
			if err != nil {
				return nil, err
			}
			w.mark(parent, as)
		}
	}
	return common, nil
}

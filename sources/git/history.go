package git

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"

	"plumbline/sources"
)

// Descends implements sources.Source. In a shallow clone it says so when the
// answer lies beyond the clone's edge.
func (s *Source) Descends(ctx context.Context, id, base string) (bool, error) {
	found, cut := false, false
	wanted, err := parse(base)
	if err == nil {
		cut, err = s.walk(ctx, id, func(c *object.Commit) bool {
			found = c.Hash == wanted
			return !found
		})
	}
	if err == nil && cut && !found {
		err = fmt.Errorf("%s is a shallow clone and its history ends too early: %w", s.config.URL, sources.ErrUnsupported)
	}
	if err != nil {
		return false, fmt.Errorf("cannot tell whether %s descends from %s: %w", id, base, err)
	}
	return found, nil
}

// Log implements sources.Source: all ancestors, by committer's time.
func (s *Source) Log(ctx context.Context, id string, n int) ([]sources.Commit, error) {
	if n <= 0 {
		return nil, nil
	}
	var log []sources.Commit
	_, err := s.walk(ctx, id, func(c *object.Commit) bool {
		log = append(log, convert(c))
		return len(log) < n
	})
	if err != nil {
		return nil, fmt.Errorf("cannot read history of %s: %w", id, err)
	}
	return log, nil
}

// walk visits the ancestors of a commit ID; see store.walk.
func (s *Source) walk(ctx context.Context, id string, visit func(*object.Commit) bool) (cut bool, err error) {
	from, err := parse(id)
	if err != nil {
		return false, err
	}
	st, err := s.open()
	if err != nil {
		return false, err
	}
	return st.walk(ctx, from, visit)
}

// walk visits a commit and its ancestors, newest first, until visit says stop. It
// tells whether a shallow clone cut it short.
func (s *store) walk(ctx context.Context, from plumbing.Hash, visit func(*object.Commit) bool) (cut bool, err error) {
	edge, err := s.repo.Storer.Shallow()
	if err != nil {
		return false, err
	}
	first, err := s.commit(from)
	if err != nil {
		return false, err
	}
	next := &newest{first}
	seen := map[plumbing.Hash]bool{from: true}
	for next.Len() > 0 {
		if err := ctx.Err(); err != nil {
			return cut, err
		}
		c := heap.Pop(next).(*object.Commit)
		if !visit(c) {
			return cut, nil
		}
		for _, p := range c.ParentHashes {
			if seen[p] {
				continue
			}
			seen[p] = true
			parent, err := s.commit(p)
			if errors.Is(err, sources.ErrNoCommit) && slices.Contains(edge, c.Hash) {
				cut = true
				continue
			}
			if err != nil {
				return cut, err
			}
			heap.Push(next, parent)
		}
	}
	return cut, nil
}

// newest is a heap.Interface with the newest commit on top.
type newest []*object.Commit

func (n newest) Len() int           { return len(n) }
func (n newest) Less(i, j int) bool { return n[i].Committer.When.After(n[j].Committer.When) }
func (n newest) Swap(i, j int)      { n[i], n[j] = n[j], n[i] }
func (n *newest) Push(c any)        { *n = append(*n, c.(*object.Commit)) }
func (n *newest) Pop() any {
	last := len(*n) - 1
	c := (*n)[last]
	*n = (*n)[:last]
	return c
}

func convert(c *object.Commit) sources.Commit {
	subject, _, _ := strings.Cut(strings.TrimLeft(c.Message, "\r\n"), "\n")
	out := sources.Commit{
		ID:      c.Hash.String(),
		Author:  printable(c.Author.Name),
		Email:   printable(c.Author.Email),
		Subject: printable(strings.TrimSpace(subject)),
		Time:    c.Committer.When,
		Tree:    c.TreeHash.String(),
	}
	for _, p := range c.ParentHashes {
		out.Parents = append(out.Parents, p.String())
	}
	return out
}

// printable replaces what could steer a terminal: anybody may write a message.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

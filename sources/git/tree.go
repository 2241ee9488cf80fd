package git

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"

	"plumbline/sources"
	"plumbline/sources/internal/treefs"
)

// Tree implements sources.Source.
func (s *Source) Tree(ctx context.Context, id string) (fs.FS, error) {
	t, err := s.tree(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("cannot read tree of commit %s: %w", id, err)
	}
	return t, nil
}

// Changed implements sources.Source. A commit without the configured path
// counts as one without files.
func (s *Source) Changed(ctx context.Context, from, to string) ([]string, error) {
	paths, err := s.changed(ctx, from, to)
	if err != nil {
		return nil, fmt.Errorf("cannot compare commits %q and %q: %w", from, to, err)
	}
	return paths, nil
}

func (s *Source) changed(ctx context.Context, from, to string) ([]string, error) {
	var a, b *treefs.FS
	var err error
	if from != "" {
		if a, err = s.tree(ctx, from); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	if b, err = s.tree(ctx, to); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return treefs.Changed(ctx, a, b)
}

func (s *Source) tree(ctx context.Context, id string) (*treefs.FS, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	h, err := parse(id)
	if err != nil {
		return nil, err
	}
	st, err := s.open()
	if err != nil {
		return nil, err
	}
	commit, err := st.commit(h)
	if err != nil {
		return nil, err
	}
	root, err := below(st, commit.TreeHash.String(), s.config.Path, s.config.Limits.OrDefault().Entries)
	if err != nil {
		return nil, err
	}
	return treefs.New(st, root, commit.Committer.When, s.config.Limits), nil
}

// below follows a path from the root tree of a commit; files beside it do not
// count against the limits of what is read below it.
func below(st treefs.Store, root, dir string, most int) (string, error) {
	if dir == "." {
		return root, nil
	}
	for _, part := range strings.Split(dir, "/") {
		list, err := st.List(root, most)
		if err != nil {
			return "", err
		}
		i := slices.IndexFunc(list, func(e treefs.Entry) bool { return e.Name == part })
		if i < 0 {
			return "", fmt.Errorf("path %q is not in it: %w", dir, fs.ErrNotExist)
		}
		if !list[i].Mode.IsDir() {
			return "", fmt.Errorf("path %q: %q is not a directory: %w", dir, part, sources.ErrIrregular)
		}
		root = list[i].Ref
	}
	return root, nil
}

// parse reads a commit ID. What cannot be one is in no repository.
func parse(id string) (plumbing.Hash, error) {
	if len(id) != 40 || !plumbing.IsHash(id) {
		return plumbing.ZeroHash, fmt.Errorf("%w: %q is not the ID of a Git commit (40 hex digits)", sources.ErrNoCommit, id)
	}
	return plumbing.NewHash(id), nil
}

package git

import (
	"context"
	"errors"
	"fmt"
	"time"

	gogit "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"

	"plumbline/sources"
)

// Revert makes a commit on top of the branch that takes another one back, and pushes it to a branch of its own, which must not be there: what
// is watched is not touched. Errors: sources.ErrConflict when later commits changed the same lines; sources.ErrUnsupported for a local repository,
// which nobody pushes to from here.
func (s *Source) Revert(ctx context.Context, id, branch string) error {
	if err := s.revert(ctx, id, plumbing.NewBranchReferenceName(branch)); err != nil {
		return fmt.Errorf("cannot take back %.10s: %w", id, err)
	}
	return nil
}

func (s *Source) revert(ctx context.Context, id string, branch plumbing.ReferenceName) error {
	if s.remote == nil {
		return fmt.Errorf("%w: the repository is a local one", sources.ErrUnsupported)
	}
	if err := branch.Validate(); err != nil {
		return err
	}
	tip, st, err := s.tip()
	if err != nil {
		return err
	}
	head, err := st.commit(tip)
	if err != nil {
		return err
	}
	bad, err := st.named(id)
	if err != nil {
		return err
	}
	if len(bad.ParentHashes) == 0 {
		return errors.New("it is the first commit")
	}
	parent, err := st.commit(bad.ParentHashes[0])
	if err != nil {
		return err
	}
	m := newMerge(ctx, st, s.config.Limits)
	root, err := m.root(bad.TreeHash, head.TreeHash, parent.TreeHash)
	if err != nil {
		return err
	}
	by := object.Signature{Name: "plumb", Email: "plumb@localhost", When: time.Now()}
	made := &object.Commit{
		Author: by, Committer: by, TreeHash: root, ParentHashes: []plumbing.Hash{tip},
		Message: "Take back " + id[:10] + "\n\nIt could not be applied.\n",
	}
	return s.remote.push(ctx, m, made, branch)
}

// push writes what was made into the mirror and pushes it.
func (r *remote) push(ctx context.Context, m *merge, made *object.Commit, branch plumbing.ReferenceName) error {
	return r.converse(ctx, func(ctx context.Context) error {
		unlock, err := lock(ctx, r.mirror+".lock")
		if err != nil {
			return r.unreachable(err)
		}
		defer unlock()
		repo, err := r.openMirror()
		if err != nil {
			return r.unreachable(err)
		}
		hash, err := m.write(repo, made)
		if err != nil {
			return err
		}
		auth, ca, err := r.credentials()
		if err != nil {
			return r.unreachable(err)
		}
		ours := plumbing.ReferenceName("refs/plumbline/revert/" + hash.String())
		if err := repo.Storer.SetReference(plumbing.NewHashReference(ours, hash)); err != nil {
			return err
		}
		spec := config.RefSpec(fmt.Sprintf("%s:%s", ours, branch))
		err = r.on(repo.Storer).PushContext(ctx, &gogit.PushOptions{RemoteName: "origin", RefSpecs: []config.RefSpec{spec}, Auth: auth, CABundle: ca})
		if err != nil && !errors.Is(err, gogit.NoErrAlreadyUpToDate) {
			return fmt.Errorf("cannot push %s: %w", branch, err)
		}
		return nil
	})
}

// write stores what was made in memory.
func (m *merge) write(repo *gogit.Repository, made *object.Commit) (plumbing.Hash, error) {
	store := func(encode func(plumbing.EncodedObject) error) (plumbing.Hash, error) {
		o := repo.Storer.NewEncodedObject()
		if err := encode(o); err != nil {
			return plumbing.ZeroHash, err
		}
		return repo.Storer.SetEncodedObject(o)
	}
	for _, text := range m.blobs {
		_, err := store(func(o plumbing.EncodedObject) error {
			o.SetType(plumbing.BlobObject)
			w, err := o.Writer()
			if err != nil {
				return err
			}
			_, err = w.Write(text)
			return errors.Join(err, w.Close())
		})
		if err != nil {
			return plumbing.ZeroHash, err
		}
	}
	for _, entries := range m.trees {
		if _, err := store((&object.Tree{Entries: entries}).Encode); err != nil {
			return plumbing.ZeroHash, err
		}
	}
	return store(made.Encode)
}

package git

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	gogit "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
	"golang.org/x/sys/unix"
)

// fetched is where a fetch puts the branch before it is published.
const fetched = plumbing.ReferenceName("refs/plumbline/fetched")

// has tells whether the mirror's branch is at tip and the commit can be read. A
// mirror that lost it is only a cache: it is removed and fetched anew.
func (r *remote) has(tip plumbing.Hash) bool {
	st := &store{path: r.mirror, name: r.mirror}
	err := st.open()
	if err != nil {
		return false
	}
	ref, err := st.repo.Reference(r.branch, false)
	if err != nil || ref.Hash() != tip {
		return false
	}
	if _, err := st.commit(tip); err != nil {
		os.RemoveAll(r.mirror)
		return false
	}
	return true
}

// openMirror opens the mirror, or makes it: beside its place and renamed, so
// that nobody sees half of one.
func (r *remote) openMirror() (*gogit.Repository, error) {
	if repo, err := gogit.PlainOpen(r.mirror); err == nil {
		return repo, nil
	}
	fresh, err := os.MkdirTemp(filepath.Dir(r.mirror), ".fresh-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(fresh)
	if _, err := gogit.PlainInit(fresh, true); err != nil {
		return nil, err
	}
	os.RemoveAll(r.mirror)
	if err := os.Rename(fresh, r.mirror); err != nil {
		return nil, err
	}
	return gogit.PlainOpen(r.mirror)
}

// publish moves the branch of the mirror to what was fetched, once that is on
// the disk: after a power cut the branch never names a commit that is not whole.
func (r *remote) publish(ctx context.Context) error {
	st := &store{path: r.mirror, name: r.config.URL}
	if err := st.open(); err != nil {
		return err
	}
	ref, err := st.repo.Reference(fetched, false)
	if err != nil {
		return err
	}
	if err := r.sync(); err != nil {
		return err
	}
	if err := r.keep(ctx, st, ref.Hash()); err != nil {
		return err
	}
	if err := st.repo.Storer.SetReference(plumbing.NewHashReference(r.branch, ref.Hash())); err != nil {
		return err
	}
	if err := r.compact(st.repo.Storer); err != nil {
		r.config.Log.Warn().Err(err).Str("path", r.mirror).Msg("the mirror was not compacted")
	}
	return nil
}

// keep gives the old head a name of its own if the new one does not descend
// from it, so that what was applied once can be read after a rewrite.
func (r *remote) keep(ctx context.Context, st *store, next plumbing.Hash) error {
	old, err := st.repo.Reference(r.branch, false)
	if err != nil {
		return nil // the first fetch
	}
	found := false
	if _, err := st.walk(ctx, next, func(c *object.Commit) bool {
		found = c.Hash == old.Hash()
		return !found
	}); err != nil || found {
		return err
	}
	name := plumbing.ReferenceName("refs/plumbline/was/" + old.Hash().String())
	return st.repo.Storer.SetReference(plumbing.NewHashReference(name, old.Hash()))
}

// sync waits until all of the mirror is on the disk (syncfs(2)).
func (r *remote) sync() error {
	dir, err := os.Open(r.mirror)
	if err != nil {
		return err
	}
	defer dir.Close()
	return unix.Syncfs(int(dir.Fd()))
}

// lock takes the mirror from other processes (flock(2)) and returns how to
// give it back.
func lock(ctx context.Context, path string) (unlock func(), err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return func() { f.Close() }, nil
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			f.Close()
			return nil, fmt.Errorf("cannot lock %s: %w: %w", path, err, ctx.Err())
		}
	}
}

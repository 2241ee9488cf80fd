package git

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	gogit "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
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
func (r *remote) publish(repo *gogit.Repository) error {
	ref, err := repo.Storer.Reference(fetched)
	if err != nil {
		return err
	}
	dir, err := os.Open(r.mirror)
	if err != nil {
		return err
	}
	defer dir.Close()
	if err := unix.Syncfs(int(dir.Fd())); err != nil {
		return err
	}
	return repo.Storer.SetReference(plumbing.NewHashReference(r.branch, ref.Hash()))
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

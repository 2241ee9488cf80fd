package git

import (
	"time"

	gogit "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing/storer"
	"github.com/go-git/go-git/v5/storage"
)

// mostPacks is when a mirror is compacted: each fetch adds a pack, and each look
// reads the index of every pack (measured: 0.7 ms for each).
const mostPacks = 50

// compact makes one pack of all that refs name. The old packs go when the new one
// is on the disk; who reads them in that moment opens the repository anew (twice).
func (r *remote) compact(s storage.Storer) error {
	packs, ok := s.(storer.PackedObjectStorer)
	if !ok {
		return gogit.ErrPackedObjectsNotSupported
	}
	old, err := packs.ObjectPacks()
	if err != nil || len(old) < mostPacks {
		return err
	}
	repo, err := gogit.Open(s, nil)
	if err != nil {
		return err
	}
	deleteNone := time.Unix(1, 0) // no pack is older
	if err := repo.RepackObjects(&gogit.RepackConfig{OnlyDeletePacksOlderThan: deleteNone}); err != nil {
		return err
	}
	if err := r.sync(); err != nil {
		return err
	}
	all, err := packs.ObjectPacks()
	if err != nil || len(all) == len(old) {
		return err // the new pack is one of the old ones
	}
	for _, h := range old {
		if err := packs.DeleteOldObjectPackAndIndex(h, time.Time{}); err != nil {
			return err
		}
	}
	return nil
}

package git

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/objfile"
	"github.com/go-git/go-git/v5/plumbing/storer"

	"plumbline/sources"
)

// mostBase bounds, in bytes, what an object in a pack may be stored as a change of: that is read whole to make the object. A small
// file over a base of gigabytes, which packs to nothing, would otherwise take all memory.
const mostBase = 64 << 20

// read reads an object whose size is known to be within bounds, and holds no more than that size and its bases.
func (s *store) read(t plumbing.ObjectType, h plumbing.Hash) (plumbing.EncodedObject, error) {
	o, err := s.loose(t, h)
	if !errors.Is(err, fs.ErrNotExist) {
		return o, err
	}
	if err := s.bases(h); err != nil {
		return nil, err
	}
	return s.repo.Storer.EncodedObject(t, h)
}

// loose reads a loose object. Its head tells the size, and go-git would inflate whatever follows.
func (s *store) loose(t plumbing.ObjectType, h plumbing.Hash) (plumbing.EncodedObject, error) {
	name := h.String()
	f, err := os.Open(filepath.Join(s.objects, name[:2], name[2:]))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r, err := objfile.NewReader(f)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	kind, size, err := r.Header()
	switch {
	case err != nil:
		return nil, err
	case kind != t:
		return nil, plumbing.ErrObjectNotFound
	}
	data, err := io.ReadAll(io.LimitReader(r, size+1))
	if err == nil && int64(len(data)) != size {
		err = errors.New("object is damaged: it is not as long as its head says")
	}
	o := &plumbing.MemoryObject{}
	o.SetType(t)
	if err == nil {
		_, err = o.Write(data)
	}
	return o, err
}

// bases follows what a packed object is stored as a change of, and refuses what is too large. What lies elsewhere (borrowed
// objects) is not known here.
func (s *store) bases(h plumbing.Hash) error {
	deltas, ok := s.repo.Storer.(storer.DeltaObjectStorer)
	if !ok {
		return nil
	}
	const mostDeep = 4095 // git-config(1), pack.depth
	for range mostDeep + 1 {
		o, err := deltas.DeltaObject(plumbing.AnyObject, h)
		if errors.Is(err, plumbing.ErrObjectNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		delta, changed := o.(plumbing.DeltaObject)
		if !changed {
			return nil
		}
		h = delta.BaseHash()
		size, err := s.size(h)
		if err != nil {
			return err
		}
		if size > mostBase {
			return &sources.LimitError{What: "bytes of the object that it is stored as a change of", Have: size, Most: mostBase}
		}
	}
	return fmt.Errorf("object is a change of a change more than %d times", mostDeep)
}

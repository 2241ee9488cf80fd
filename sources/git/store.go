package git

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/go-git/go-billy/v5/osfs"
	gogit "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/format/objfile"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/storage/filesystem"
	"github.com/go-git/go-git/v5/storage/filesystem/dotgit"

	"plumbline/sources"
	"plumbline/sources/internal/treefs"
)

// store reads objects of one repository: sizes before contents, and each
// content checked against its hash, as go-git itself does neither. It is
// the treefs.Store of commits; go-git's storage is not safe for concurrent use, so
// it is locked.
type store struct {
	path string // of the repository
	name string // as the user wrote it

	mu      sync.Mutex
	repo    *gogit.Repository
	objects string // directory
}

var _ treefs.Store = (*store)(nil)

// Bounds of objects that are not files. A commit of more than a megabyte is no
// message; an entry of a tree is mode, name and hash: name + 28 bytes.
const (
	mostCache  = 16 * cache.MiByte // deltas and their bases, while a tree is read
	mostCommit = 1 << 20
	mostEntry  = 255 + 28
)

func (s *store) open() error {
	dir, common := gitDirs(s.path)
	files := osfs.New(dir)
	if common != dir {
		files = dotgit.NewRepositoryFilesystem(files, osfs.New(common))
	}
	// Borrowed objects (objects/info/alternates) lie anywhere.
	storage := filesystem.NewStorageWithOptions(files, cache.NewObjectLRU(mostCache), filesystem.Options{AlternatesFS: osfs.New("/")})
	repo, err := gogit.Open(storage, nil)
	if err != nil {
		return openError(s.name, err)
	}
	s.repo, s.objects = repo, filepath.Join(common, "objects")
	return nil
}

// List implements treefs.Store.
func (s *store) List(ref string, most int) ([]treefs.Entry, error) {
	entries, err := s.entries(plumbing.NewHash(ref), most)
	return listing(entries), err
}

// entries are those of a tree of at most most of them.
func (s *store) entries(h plumbing.Hash, most int) ([]object.TreeEntry, error) {
	o, err := s.object(plumbing.TreeObject, h, int64(most)*mostEntry)
	if err != nil {
		return nil, err
	}
	tree, err := object.DecodeTree(nil, o)
	if err != nil {
		return nil, err
	}
	return tree.Entries, nil
}

func listing(entries []object.TreeEntry) []treefs.Entry {
	list := make([]treefs.Entry, len(entries))
	for i, e := range entries {
		list[i] = treefs.Entry{Name: e.Name, Mode: mode(e.Mode), Ref: e.Hash.String()}
	}
	return list
}

// Size implements treefs.Store.
func (s *store) Size(ref string) (int64, error) {
	var size int64
	err := s.twice(func() (err error) {
		size, err = s.size(plumbing.NewHash(ref))
		return err
	})
	return size, err
}

// Read implements treefs.Store; treefs asked for the size before.
func (s *store) Read(ref string) ([]byte, error) {
	o, err := s.object(plumbing.BlobObject, plumbing.NewHash(ref), -1)
	if err != nil {
		return nil, err
	}
	return content(o)
}

func (s *store) commit(h plumbing.Hash) (*object.Commit, error) {
	o, err := s.object(plumbing.CommitObject, h, mostCommit)
	if errors.Is(err, plumbing.ErrObjectNotFound) {
		return nil, fmt.Errorf("%w: %s is not in %s", sources.ErrNoCommit, h, s.name)
	}
	if err != nil {
		return nil, err
	}
	return object.DecodeCommit(nil, o)
}

// object reads one object of at most most bytes (-1: any) and checks its hash.
func (s *store) object(t plumbing.ObjectType, h plumbing.Hash, most int64) (o plumbing.EncodedObject, err error) {
	err = s.twice(func() error {
		if err := s.within(t, h, most); err != nil {
			return err
		}
		if o, err = s.read(t, h); err != nil {
			return err
		}
		return verify(o, h)
	})
	if err != nil && !errors.Is(err, sources.ErrLimit) {
		return nil, fmt.Errorf("cannot read %s %s of %s: %w", t, h, s.name, err)
	}
	return o, err
}

// within asks for the size of an object, which costs as much as reading a small one.
func (s *store) within(t plumbing.ObjectType, h plumbing.Hash, most int64) error {
	if most < 0 {
		return nil
	}
	size, err := s.size(h)
	if err == nil && size > most {
		return &sources.LimitError{What: t.String() + " bytes", Have: size, Most: most}
	}
	return err
}

// twice runs look and, should it fail, once more on the repository opened anew:
// a gc between the two moved objects to other packs.
func (s *store) twice(look func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := look()
	if err == nil || errors.Is(err, sources.ErrLimit) {
		return err
	}
	if reopened := s.open(); reopened != nil {
		return errors.Join(err, reopened)
	}
	return look()
}

// size does not read the content, unless the object is borrowed from another
// repository (objects/info/alternates), where go-git can only read it whole.
func (s *store) size(h plumbing.Hash) (int64, error) {
	size, err := s.looseSize(h)
	if errors.Is(err, fs.ErrNotExist) {
		size, err = s.repo.Storer.EncodedObjectSize(h)
	}
	if errors.Is(err, plumbing.ErrObjectNotFound) {
		o, err := s.repo.Storer.EncodedObject(plumbing.AnyObject, h)
		if err != nil {
			return 0, err
		}
		return o.Size(), nil
	}
	return size, err
}

// looseSize reads the head of a loose object; go-git v5.19.3 does not close the
// file when it is asked for that.
func (s *store) looseSize(h plumbing.Hash) (int64, error) {
	name := h.String()
	f, err := os.Open(filepath.Join(s.objects, name[:2], name[2:]))
	if err != nil {
		return 0, err
	}
	defer f.Close()
	r, err := objfile.NewReader(f)
	if err != nil {
		return 0, err
	}
	defer r.Close()
	_, size, err := r.Header()
	return size, err
}

func verify(o plumbing.EncodedObject, h plumbing.Hash) error {
	data, err := content(o)
	if err != nil {
		return err
	}
	if got := plumbing.ComputeHash(o.Type(), data); got != h {
		return fmt.Errorf("object is damaged: its content has hash %s", got)
	}
	return nil
}

func content(o plumbing.EncodedObject) ([]byte, error) {
	r, err := o.Reader()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

func mode(m filemode.FileMode) fs.FileMode {
	switch m {
	case filemode.Dir:
		return fs.ModeDir | 0o555
	case filemode.Regular, filemode.Deprecated:
		return 0o444
	case filemode.Executable:
		return 0o555
	case filemode.Symlink:
		return fs.ModeSymlink | 0o777
	}
	return fs.ModeIrregular
}

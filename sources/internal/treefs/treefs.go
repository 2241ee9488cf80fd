// Package treefs is the read-only file system that sources hand out: it makes
// a guarded, lazy fs.FS of anything that can list a directory and read a file
// by reference. It is for packages below sources only.
//
// The guards (limits.go of package sources, name.go here) hold for every source,
// because no path is reached but through the listing of its directory.
package treefs

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"plumbline/sources"
)

// Store reads directories and files by references of its own making. It may be
// called from several goroutines at once.
type Store interface {
	// List returns the entries of a directory in any order. It may stop
	// with an error when there are more than most.
	List(ref string, most int) ([]Entry, error)
	// Size is the number of bytes of a file.
	Size(ref string) (int64, error)
	// Read is the content of a file; the caller may keep and change it.
	Read(ref string) ([]byte, error)
}

// Entry is one name in a directory.
type Entry struct {
	// Name has no slash.
	Name string
	// Mode holds permissions and at most one of ModeDir, ModeSymlink and ModeIrregular.
	Mode fs.FileMode
	// Ref is what the Store knows it by; equal references have equal content.
	Ref string
}

// FS is a read-only file system over a Store. It implements fs.ReadDirFS,
// fs.ReadFileFS and fs.StatFS, and may be used from several goroutines at once.
type FS struct {
	store  Store
	root   Entry
	time   time.Time
	limits sources.Limits

	mu      sync.Mutex
	dirs    map[string][]Entry // by path, sorted by name; counted once
	entries int
}

// New is the file system below the directory root. Every file bears time.
func New(store Store, root string, time time.Time, limits sources.Limits) *FS {
	return &FS{
		store: store, time: time, limits: limits.OrDefault(),
		root: Entry{Name: ".", Mode: fs.ModeDir | 0o555, Ref: root},
		dirs: map[string][]Entry{},
	}
}

// Open opens a file or directory; the content of a file is read here.
func (f *FS) Open(name string) (fs.File, error) {
	e, err := f.find("open", name)
	if err != nil {
		return nil, err
	}
	if e.Mode.IsDir() {
		list, err := f.dirEntries("open", name)
		if err != nil {
			return nil, err
		}
		return &openDir{info: info{entry: e, fs: f, path: name}, list: list}, nil
	}
	data, err := f.read("open", name, e)
	if err != nil {
		return nil, err
	}
	return newOpenFile(info{entry: e, fs: f, path: name}, data), nil
}

// ReadDir lists a directory, sorted by name. Links and submodules are listed.
func (f *FS) ReadDir(name string) ([]fs.DirEntry, error) {
	e, err := f.find("readdir", name)
	if err != nil {
		return nil, err
	}
	if !e.Mode.IsDir() {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: errors.New("not a directory")}
	}
	return f.dirEntries("readdir", name)
}

// ReadFile is the content of a file.
func (f *FS) ReadFile(name string) ([]byte, error) {
	e, err := f.find("read", name)
	if err != nil {
		return nil, err
	}
	if e.Mode.IsDir() {
		return nil, &fs.PathError{Op: "read", Path: name, Err: errors.New("is a directory")}
	}
	return f.read("read", name, e)
}

// Stat describes a file or directory.
func (f *FS) Stat(name string) (fs.FileInfo, error) {
	e, err := f.find("stat", name)
	if err != nil {
		return nil, err
	}
	return f.info("stat", name, e)
}

// Hash is the reference of a file or directory, which its content decides (a Git object ID, say), without reading it.
func (f *FS) Hash(name string) (string, error) {
	e, err := f.find("hash", name)
	return e.Ref, err
}

// find walks from the root to name. What is on the way and what is found is a
// directory or a file, never a link.
func (f *FS) find(op, name string) (Entry, error) {
	if !fs.ValidPath(name) || strings.Contains(name, `\`) {
		return Entry{}, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	at, e := ".", f.root
	if name == "." {
		return e, nil
	}
	for _, part := range strings.Split(name, "/") {
		if !e.Mode.IsDir() {
			return Entry{}, &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
		}
		list, err := f.list(at)
		if err != nil {
			return Entry{}, &fs.PathError{Op: op, Path: name, Err: err}
		}
		i, ok := slices.BinarySearchFunc(list, part, func(e Entry, s string) int { return strings.Compare(e.Name, s) })
		if !ok {
			return Entry{}, &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
		}
		at, e = path.Join(at, part), list[i]
		if err := irregular(at, e.Mode); err != nil {
			return Entry{}, &fs.PathError{Op: op, Path: name, Err: err}
		}
	}
	return e, nil
}

// list is the checked listing of a directory that find has reached, or the root.
func (f *FS) list(dir string) ([]Entry, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if list, ok := f.dirs[dir]; ok {
		return list, nil
	}
	ref := f.root.Ref
	if dir != "." {
		parent := f.dirs[path.Dir(dir)] // find listed it just before
		i, _ := slices.BinarySearchFunc(parent, path.Base(dir), func(e Entry, s string) int { return strings.Compare(e.Name, s) })
		ref = parent[i].Ref
	}
	if depth := int64(levels(dir)); depth > int64(f.limits.Depth) {
		return nil, &sources.LimitError{Path: dir, What: "levels", Have: depth, Most: int64(f.limits.Depth)}
	}
	list, err := f.store.List(ref, f.limits.Entries)
	if err != nil {
		return nil, at(dir, err)
	}
	if n := f.entries + len(list); n > f.limits.Entries {
		return nil, &sources.LimitError{Path: dir, What: "entries", Have: int64(n), Most: int64(f.limits.Entries)}
	}
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b Entry) int { return strings.Compare(a.Name, b.Name) })
	if err := checkNames(dir, list); err != nil {
		return nil, err
	}
	f.entries += len(list)
	f.dirs[dir] = list
	return list, nil
}

func (f *FS) read(op, name string, e Entry) ([]byte, error) {
	size, err := f.store.Size(e.Ref)
	if err == nil && size > f.limits.FileBytes {
		err = &sources.LimitError{Path: name, What: "bytes", Have: size, Most: f.limits.FileBytes}
	}
	if err != nil {
		return nil, &fs.PathError{Op: op, Path: name, Err: err}
	}
	data, err := f.store.Read(e.Ref)
	if err != nil {
		return nil, &fs.PathError{Op: op, Path: name, Err: err}
	}
	return data, nil
}

// at gives a limit that the store met the path that the store does not know.
func at(dir string, err error) error {
	var limit *sources.LimitError
	if errors.As(err, &limit) && limit.Path == "" {
		named := *limit
		named.Path = dir
		return &named
	}
	return fmt.Errorf("cannot list %s: %w", dir, err)
}

func levels(dir string) int {
	if dir == "." {
		return 0
	}
	return strings.Count(dir, "/") + 1
}

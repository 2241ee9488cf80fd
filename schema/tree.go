package schema

import (
	"bytes"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
)

// tree is a read-only file system in memory: what an evaluation may see, and nothing else. Keys are slash paths
// without a leading slash.
type tree struct {
	files map[string][]byte
	dirs  map[string][]fs.DirEntry
}

func newTree(files map[string][]byte) *tree {
	t := &tree{files: files, dirs: map[string][]fs.DirEntry{".": nil}}
	for name, data := range files {
		t.link(node{name: path.Base(name), size: int64(len(data)), mode: 0o444}, path.Dir(name))
	}
	for _, entries := range t.dirs {
		slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	}
	return t
}

// link enters a node into its directory, which it makes when it is new.
func (t *tree) link(n node, dir string) {
	_, known := t.dirs[dir]
	t.dirs[dir] = append(t.dirs[dir], n)
	if !known {
		t.link(node{name: path.Base(dir), mode: fs.ModeDir | 0o555}, path.Dir(dir))
	}
}

// Open implements fs.FS.
func (t *tree) Open(name string) (fs.File, error) {
	if data, ok := t.files[name]; ok {
		return &openFile{node: node{name: path.Base(name), size: int64(len(data)), mode: 0o444}, Reader: bytes.NewReader(data)}, nil
	}
	if entries, ok := t.dirs[name]; ok && fs.ValidPath(name) {
		return &openDir{node: node{name: path.Base(name), mode: fs.ModeDir | 0o555}, rest: entries}, nil
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

// node describes a file or directory, both as an entry of its directory and as what Stat tells.
type node struct {
	name string
	size int64
	mode fs.FileMode
}

func (n node) Name() string               { return n.name }
func (n node) Size() int64                { return n.size }
func (n node) Mode() fs.FileMode          { return n.mode }
func (n node) ModTime() time.Time         { return time.Time{} }
func (n node) IsDir() bool                { return n.mode.IsDir() }
func (n node) Sys() any                   { return nil }
func (n node) Type() fs.FileMode          { return n.mode.Type() }
func (n node) Info() (fs.FileInfo, error) { return n, nil }

type openFile struct {
	node
	*bytes.Reader
}

func (f *openFile) Size() int64                { return f.node.size }
func (f *openFile) Stat() (fs.FileInfo, error) { return f.node, nil }
func (f *openFile) Close() error               { return nil }

type openDir struct {
	node
	rest []fs.DirEntry
}

func (d *openDir) Stat() (fs.FileInfo, error) { return d.node, nil }
func (d *openDir) Close() error               { return nil }

func (d *openDir) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: d.name, Err: fs.ErrInvalid}
}

// ReadDir implements fs.ReadDirFile.
func (d *openDir) ReadDir(n int) ([]fs.DirEntry, error) {
	if n <= 0 || n > len(d.rest) {
		if n > 0 && len(d.rest) == 0 {
			return nil, io.EOF
		}
		n = len(d.rest)
	}
	entries := slices.Clone(d.rest[:n])
	d.rest = d.rest[n:]
	return entries, nil
}

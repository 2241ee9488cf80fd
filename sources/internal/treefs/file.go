package treefs

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"path"
	"time"
)

// info is fs.FileInfo and fs.DirEntry of one path; size is set by FS.info.
type info struct {
	entry Entry
	fs    *FS
	path  string
	size  int64
}

func (i info) Name() string               { return i.entry.Name }
func (i info) Size() int64                { return i.size }
func (i info) Mode() fs.FileMode          { return i.entry.Mode }
func (i info) Type() fs.FileMode          { return i.entry.Mode.Type() }
func (i info) ModTime() time.Time         { return i.fs.time }
func (i info) IsDir() bool                { return i.entry.Mode.IsDir() }
func (i info) Sys() any                   { return nil }
func (i info) String() string             { return fs.FormatDirEntry(i) }
func (i info) Info() (fs.FileInfo, error) { return i.fs.info("stat", i.path, i.entry) }

// info asks the store for the size, which listings do without.
func (f *FS) info(op, name string, e Entry) (fs.FileInfo, error) {
	i := info{entry: e, fs: f, path: name}
	if e.Mode.IsRegular() {
		size, err := f.store.Size(e.Ref)
		if err != nil {
			return nil, &fs.PathError{Op: op, Path: name, Err: err}
		}
		i.size = size
	}
	return i, nil
}

func (f *FS) dirEntries(op, dir string) ([]fs.DirEntry, error) {
	list, err := f.list(dir)
	if err != nil {
		return nil, &fs.PathError{Op: op, Path: dir, Err: err}
	}
	out := make([]fs.DirEntry, len(list))
	for i, e := range list {
		out[i] = info{entry: e, fs: f, path: path.Join(dir, e.Name)}
	}
	return out, nil
}

// openFile is a regular file; bytes.Reader adds Seek and ReadAt.
type openFile struct {
	*bytes.Reader
	info info
}

func newOpenFile(i info, data []byte) *openFile {
	i.size = int64(len(data))
	return &openFile{Reader: bytes.NewReader(data), info: i}
}

func (f *openFile) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *openFile) Close() error               { return nil }

// openDir is a directory being read from its start.
type openDir struct {
	info info
	list []fs.DirEntry
	next int
}

func (d *openDir) Stat() (fs.FileInfo, error) { return d.info, nil }
func (d *openDir) Close() error               { return nil }

func (d *openDir) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: d.info.path, Err: errors.New("is a directory")}
}

// ReadDir keeps the rules of fs.ReadDirFile.
func (d *openDir) ReadDir(n int) ([]fs.DirEntry, error) {
	left := d.list[d.next:]
	if n <= 0 {
		d.next = len(d.list)
		return left, nil
	}
	if len(left) == 0 {
		return nil, io.EOF
	}
	left = left[:min(n, len(left))]
	d.next += len(left)
	return left, nil
}

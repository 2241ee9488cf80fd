package treefs_test

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
	"time"
	"unicode/utf8"

	"plumbline/sources"
	"plumbline/sources/internal/treefs"
)

// model is a Store in a map: directories by reference, files are their reference.
type model map[string][]treefs.Entry

func (m model) List(ref string, _ int) ([]treefs.Entry, error) {
	list, ok := m[ref]
	if !ok {
		return nil, fmt.Errorf("no directory %q", ref)
	}
	return list, nil
}
func (m model) Size(ref string) (int64, error)  { return int64(len(ref)), nil }
func (m model) Read(ref string) ([]byte, error) { return []byte(ref), nil }

func TestIsAFileSystem(t *testing.T) {
	m := model{
		"root": {{"z.cue", 0o444, "zz"}, {"sub", fs.ModeDir | 0o555, "s"}, {"a", 0o444, "aa"}},
		"s":    {{"b.cue", 0o444, "bb"}, {"empty", fs.ModeDir | 0o555, "e"}},
		"e":    {},
	}
	f := treefs.New(m, "root", time.Unix(1, 0), sources.Limits{})
	if err := fstest.TestFS(f, "a", "z.cue", "sub/b.cue"); err != nil {
		t.Error(err)
	}
}

// A hash is told without reading, and never for what cannot be read.
func TestHashIsTheReference(t *testing.T) {
	m := model{
		"root": {{"a", 0o444, "aa"}, {"link", fs.ModeSymlink | 0o777, "ll"}, {"sub", fs.ModeDir | 0o555, "s"}},
		"s":    {{"b.cue", 0o444, "bb"}},
	}
	f := treefs.New(m, "root", time.Time{}, sources.Limits{})
	for name, want := range map[string]string{".": "root", "a": "aa", "sub": "s", "sub/b.cue": "bb", "link": "", "none": ""} {
		got, err := f.Hash(name)
		if (err == nil) != (want != "") || err == nil && got != want {
			t.Errorf("hash of %s is %q, %v, wanted %q", name, got, err, want)
		}
	}
}

// Looking twice at a directory counts it once.
func TestEntriesAreCountedOnce(t *testing.T) {
	m := model{"root": {{"a", 0o444, "x"}, {"b", 0o444, "x"}}}
	f := treefs.New(m, "root", time.Time{}, sources.Limits{Entries: 2})
	for range 5 {
		if _, err := f.ReadDir("."); err != nil {
			t.Fatal(err)
		}
	}
}

// Whatever a commit calls its files and whatever a caller asks for: no panic, and what
// can be read lies within the limits under a name that is safe to print.
func FuzzNamesAndLimits(f *testing.F) {
	f.Add("a.cue", "sub", "sub/a.cue", 2)
	f.Add("..", "/", "../..", 1)
	f.Add("a\x1b", "a\u202e", "a\x00", 40)
	f.Add("a", "a", "a/a/a", 33)
	f.Fuzz(func(t *testing.T, file, dir, asked string, entries int) {
		m := model{"r": {{file, 0o444, "content"}, {dir, fs.ModeDir | 0o555, "r"}}} // contains itself
		limits := sources.Limits{Entries: max(1, entries%200), Depth: 8, FileBytes: 7}
		tree := treefs.New(m, "r", time.Time{}, limits)
		tree.ReadFile(asked)
		tree.Stat(asked)
		seen := 0
		err := fs.WalkDir(tree, ".", func(p string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			seen++
			if !fs.ValidPath(p) || !utf8.ValidString(p) || strings.ContainsAny(p, "\x00\x1b\n\r\\") || strings.Count(p, "/") > limits.Depth {
				t.Errorf("path %q came through", p)
			}
			return nil
		})
		if seen > limits.Entries+1 {
			t.Errorf("%d entries seen, limit %d", seen, limits.Entries)
		}
		if !errors.Is(err, sources.ErrLimit) && !errors.Is(err, sources.ErrName) {
			t.Errorf("a tree that contains itself was read to its end: %v", err)
		}
	})
}

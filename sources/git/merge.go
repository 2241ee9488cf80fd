package git

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"

	"plumbline/sources"
	"plumbline/sources/internal/treefs"
)

// Merged is what the watched branch would hold if a commit was merged into it. It stands in memory alone.
type Merged struct {
	Root string // hash of the tree of all files, as git would name it: equal ones have equal files
	Tree fs.FS  // below the configured path; as of Source.Tree
}

// Merge merges head into base, both commits that are here. Errors: sources.ErrConflict, which names the files; sources.ErrNoCommit; those of
// reading a tree. Whatever is not certain is a conflict: files that both renamed or moved are not found again.
func (s *Source) Merge(ctx context.Context, base, head string) (*Merged, error) {
	m, err := s.merge(ctx, base, head)
	if err != nil {
		return nil, fmt.Errorf("cannot merge %.10s into %.10s: %w", head, base, err)
	}
	return m, nil
}

func (s *Source) merge(ctx context.Context, base, head string) (*Merged, error) {
	st, err := s.open()
	if err != nil {
		return nil, err
	}
	into, err := st.named(base)
	if err != nil {
		return nil, err
	}
	from, err := st.named(head)
	if err != nil {
		return nil, err
	}
	old, err := st.mergeBase(ctx, into, from)
	if err != nil {
		return nil, err
	}
	m := newMerge(ctx, st, s.config.Limits)
	root, err := m.root(old.TreeHash, into.TreeHash, from.TreeHash)
	if err != nil {
		return nil, err
	}
	return m.merged(root, s.config.Path, from.Committer.When)
}

func (s *store) named(id string) (*object.Commit, error) {
	h, err := parse(id)
	if err != nil {
		return nil, err
	}
	return s.commit(h)
}

// merge makes trees of three others. What it makes is kept beside the store, which is only read.
type merge struct {
	*store
	ctx       context.Context
	limits    sources.Limits
	left      int // entries that may still be looked at
	trees     map[string][]object.TreeEntry
	blobs     map[string][]byte
	conflicts []string
}

func newMerge(ctx context.Context, st *store, l sources.Limits) *merge {
	l = l.OrDefault()
	return &merge{store: st, ctx: ctx, limits: l, left: 3 * l.Entries, trees: map[string][]object.TreeEntry{}, blobs: map[string][]byte{}}
}

// root merges whole trees: what both changed since old, or an error that names the conflicts.
func (m *merge) root(old, ours, theirs plumbing.Hash) (plumbing.Hash, error) {
	dir := func(h plumbing.Hash) *object.TreeEntry { return &object.TreeEntry{Mode: filemode.Dir, Hash: h} }
	e, err := m.entry(".", dir(old), dir(ours), dir(theirs))
	if err == nil && len(m.conflicts) > 0 {
		err = fmt.Errorf("%w in %s", sources.ErrConflict, several(m.conflicts))
	}
	if err != nil {
		return plumbing.ZeroHash, err
	}
	if e == nil { // nothing is left
		e, err = m.keep(".", nil)
	}
	if err != nil {
		return plumbing.ZeroHash, err
	}
	return e.Hash, nil
}

// merged is the file system of a tree that was made.
func (m *merge) merged(root plumbing.Hash, dir string, at time.Time) (*Merged, error) {
	below, err := below(m, root.String(), dir, m.limits.Entries)
	if err != nil {
		return nil, err
	}
	return &Merged{Root: root.String(), Tree: treefs.New(m, below, at, m.limits)}, nil
}

func several(names []string) string {
	const most = 10
	slices.Sort(names)
	var quoted []string
	for n, name := range names {
		if n == most {
			return fmt.Sprintf("%s and %d more", strings.Join(quoted, ", "), len(names)-most)
		}
		quoted = append(quoted, fmt.Sprintf("%q", name))
	}
	return strings.Join(quoted, ", ")
}

func same3(a, b *object.TreeEntry) bool {
	return a == nil && b == nil || a != nil && b != nil && a.Hash == b.Hash && a.Mode == b.Mode
}

// entry merges one name; nil = it is not there.
func (m *merge) entry(at string, old, ours, theirs *object.TreeEntry) (*object.TreeEntry, error) {
	switch {
	case same3(ours, theirs), same3(old, theirs):
		return ours, nil
	case same3(old, ours):
		return theirs, nil
	case isDir(old) && isDir(ours) && isDir(theirs):
		return m.dir(at, old, ours, theirs)
	case isFile(old) && isFile(ours) && isFile(theirs):
		return m.file(at, old, ours, theirs)
	}
	m.conflicts = append(m.conflicts, at)
	return ours, nil
}

// isDir also of what is not there: a directory without names is none.
func isDir(e *object.TreeEntry) bool { return e == nil || e.Mode == filemode.Dir }

func isFile(e *object.TreeEntry) bool {
	return e != nil && (e.Mode == filemode.Regular || e.Mode == filemode.Executable || e.Mode == filemode.Deprecated)
}

func (m *merge) dir(at string, three ...*object.TreeEntry) (*object.TreeEntry, error) {
	if err := m.ctx.Err(); err != nil {
		return nil, err
	}
	if at != "." && strings.Count(at, "/") >= m.limits.Depth {
		return nil, &sources.LimitError{Path: at, What: "levels", Have: int64(m.limits.Depth) + 1, Most: int64(m.limits.Depth)}
	}
	by := [3]map[string]*object.TreeEntry{}
	names := map[string]bool{}
	for i, e := range three {
		by[i] = map[string]*object.TreeEntry{}
		if e == nil {
			continue
		}
		list, err := m.entries(e.Hash, m.limits.Entries)
		if err != nil {
			return nil, err
		}
		if m.left -= len(list); m.left < 0 {
			return nil, &sources.LimitError{Path: at, What: "entries", Have: int64(3*m.limits.Entries) + 1, Most: int64(3 * m.limits.Entries)}
		}
		for k := range list {
			by[i][list[k].Name] = &list[k]
			names[list[k].Name] = true
		}
	}
	var out []object.TreeEntry
	for name := range names {
		e, err := m.entry(path.Join(at, name), by[0][name], by[1][name], by[2][name])
		if err != nil {
			return nil, err
		}
		if e != nil {
			out = append(out, object.TreeEntry{Name: name, Mode: e.Mode, Hash: e.Hash})
		}
	}
	if len(out) == 0 {
		return nil, nil
	}
	return m.keep(at, out)
}

// keep makes a tree of entries.
func (m *merge) keep(at string, entries []object.TreeEntry) (*object.TreeEntry, error) {
	slices.SortFunc(entries, func(a, b object.TreeEntry) int { return strings.Compare(sortName(a), sortName(b)) })
	o := &plumbing.MemoryObject{}
	if err := (&object.Tree{Entries: entries}).Encode(o); err != nil {
		return nil, fmt.Errorf("%s: %w", at, err)
	}
	m.trees[o.Hash().String()] = entries
	return &object.TreeEntry{Mode: filemode.Dir, Hash: o.Hash()}, nil
}

// sortName is how git sorts names of a tree: those of directories as if a slash followed.
func sortName(e object.TreeEntry) string {
	if e.Mode == filemode.Dir {
		return e.Name + "/"
	}
	return e.Name
}

func (m *merge) file(at string, old, ours, theirs *object.TreeEntry) (*object.TreeEntry, error) {
	out := *ours
	if ours.Mode == old.Mode {
		out.Mode = theirs.Mode
	}
	if ours.Hash == theirs.Hash || theirs.Hash == old.Hash {
		return &out, nil
	}
	if ours.Hash == old.Hash {
		out.Hash = theirs.Hash
		return &out, nil
	}
	var texts [3][]byte
	for i, e := range []*object.TreeEntry{old, ours, theirs} {
		o, err := m.object(plumbing.BlobObject, e.Hash, m.limits.FileBytes)
		if err != nil {
			return nil, err
		}
		if texts[i], err = content(o); err != nil {
			return nil, err
		}
	}
	text, ok := merge3(texts[0], texts[1], texts[2])
	if !ok {
		m.conflicts = append(m.conflicts, at)
		return ours, nil
	}
	out.Hash = plumbing.ComputeHash(plumbing.BlobObject, text)
	m.blobs[out.Hash.String()] = text
	return &out, nil
}

// List implements treefs.Store.
func (m *merge) List(ref string, most int) ([]treefs.Entry, error) {
	if entries, ok := m.trees[ref]; ok {
		return listing(entries), nil
	}
	return m.store.List(ref, most)
}

// Size implements treefs.Store.
func (m *merge) Size(ref string) (int64, error) {
	if text, ok := m.blobs[ref]; ok {
		return int64(len(text)), nil
	}
	return m.store.Size(ref)
}

// Read implements treefs.Store.
func (m *merge) Read(ref string) ([]byte, error) {
	if text, ok := m.blobs[ref]; ok {
		return slices.Clone(text), nil
	}
	return m.store.Read(ref)
}

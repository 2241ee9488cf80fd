package git

import (
	"bytes"
	"context"
	"fmt"
	"path"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"

	"plumbline/sources"
)

// Revert takes back, in files of head, what they changed from good to bad; what was changed in them since stays. The files are relative to the
// configured path, the result names them from the root: their whole new text, nil = it goes. A file that needs nothing is left out.
// Errors: sources.ErrConflict, which names the files; sources.ErrNoCommit; those of reading a tree.
func (s *Source) Revert(ctx context.Context, head, bad, good string, files []string) (map[string][]byte, error) {
	out, err := s.revert(ctx, head, bad, good, files)
	if err != nil {
		return nil, fmt.Errorf("cannot take %.10s back to %.10s in %.10s: %w", bad, good, head, err)
	}
	return out, nil
}

func (s *Source) revert(ctx context.Context, head, bad, good string, files []string) (map[string][]byte, error) {
	st, err := s.open()
	if err != nil {
		return nil, err
	}
	var roots [3]plumbing.Hash
	for n, id := range []string{bad, head, good} {
		c, err := st.named(id)
		if err != nil {
			return nil, err
		}
		roots[n] = c.TreeHash
	}
	m, out := newMerge(ctx, st, s.config.Limits), map[string][]byte{}
	for _, file := range files {
		name := path.Join(s.config.Path, file)
		if err := m.takeBack(name, roots, out); err != nil {
			return nil, err
		}
	}
	if len(m.conflicts) > 0 {
		return nil, fmt.Errorf("%w in %s", sources.ErrConflict, several(m.conflicts))
	}
	return out, nil
}

// takeBack merges one file of three trees: from what was bad to what was good, into what is.
func (m *merge) takeBack(name string, roots [3]plumbing.Hash, out map[string][]byte) error {
	var three [3]*object.TreeEntry
	for n, root := range roots {
		var err error
		if three[n], err = m.find(root, name); err != nil {
			return err
		}
	}
	for _, e := range three {
		if e != nil && !isFile(e) {
			m.conflicts = append(m.conflicts, name)
			return nil
		}
	}
	e, err := m.entry(name, three[0], three[1], three[2])
	if err != nil || same3(e, three[1]) {
		return err
	}
	if e == nil {
		out[name] = nil
		return nil
	}
	text, err := m.Read(e.Hash.String())
	if err == nil && bytes.IndexByte(text, 0) >= 0 {
		m.conflicts = append(m.conflicts, name) // no text
	}
	out[name] = append([]byte{}, text...)
	return err
}

// find is the entry of a path below a tree; nil = it is not there.
func (m *merge) find(root plumbing.Hash, name string) (*object.TreeEntry, error) {
	at := &object.TreeEntry{Mode: filemode.Dir, Hash: root}
	for part := range strings.SplitSeq(name, "/") {
		if at.Mode != filemode.Dir {
			return nil, nil
		}
		list, err := m.entries(at.Hash, m.limits.Entries)
		if err != nil {
			return nil, err
		}
		at = nil
		for n := range list {
			if list[n].Name == part {
				at = &list[n]
			}
		}
		if at == nil {
			return nil, nil
		}
	}
	return at, nil
}

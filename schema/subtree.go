package schema

import (
	"fmt"
	"io/fs"
	"path"
)

// subtree is what a directory without a mistake holds of CUE. It depends on nothing but the hash of the directory, by which
// a cache knows it: of a commit, only directories are listed that the one before did not have.
type subtree struct {
	hash  string
	files []subfile
	dirs  []subdir
}

type subfile struct {
	name, hash string
	header     header
}

type subdir struct {
	name string
	*subtree
}

// enterDir reads a directory, or takes what is known of it. It gives nil for one with a mistake.
func (r *sourceReader) enterDir(dir string) (*subtree, error) {
	hash := ""
	if r.hasher != nil && r.cache != nil && dir != "." { // only below the top is a name like cue.mod just a name
		hash, _ = r.hasher.Hash(dir)
	}
	if known := r.known[hash]; known != nil && hash != "" {
		r.take(dir, known)
		return known, nil
	}
	tree, err := r.list(dir)
	if err != nil || tree == nil || hash == "" {
		return nil, err
	}
	tree.hash = hash
	r.seen[hash] = tree
	return tree, nil
}

// list reads the entries of a directory.
func (r *sourceReader) list(dir string) (*subtree, error) {
	entries, err := fs.ReadDir(r.fsys, dir)
	if err != nil {
		return nil, fmt.Errorf("cannot read the topology: %w", err)
	}
	tree, whole := &subtree{}, len(r.problems)
	remembered := true
	for _, entry := range entries {
		name := path.Join(dir, entry.Name())
		switch {
		case !entry.IsDir():
			file, err := r.visit(name, entry)
			if err != nil {
				return nil, fmt.Errorf("cannot read the topology: %w", err)
			}
			if file != nil {
				tree.files = append(tree.files, subfile{entry.Name(), file.hash, file.header})
			}
		case r.enter(name, entry):
			below, err := r.enterDir(name)
			if err != nil {
				return nil, err
			}
			remembered = remembered && below != nil
			tree.dirs = append(tree.dirs, subdir{entry.Name(), below})
		}
	}
	if !remembered || len(r.problems) > whole {
		return nil, nil
	}
	return tree, nil
}

// take enters the files of a known directory.
func (r *sourceReader) take(dir string, tree *subtree) {
	r.seen[tree.hash] = tree
	for _, f := range tree.files {
		r.put(path.Join(dir, f.name), &stocked{hash: f.hash, header: f.header})
	}
	for _, d := range tree.dirs {
		r.take(path.Join(dir, d.name), d.subtree)
	}
}

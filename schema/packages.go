package schema

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// Limits of what is read from a tree. A package of ten thousand objects has about two megabytes.
const (
	maxFile = 16 << 20
	maxTree = 256 << 20
)

const moduleFile = "cue.mod/module.cue"

// readSource collects the CUE files of a tree, and the mistakes that can be told from names alone. Directories that
// begin with "_" or "." and cue.mod hold no packages, as in the cue command.
func readSource(fsys fs.FS) (Source, []Problem, error) {
	r := sourceReader{fsys: fsys, files: map[string][]byte{}}
	if err := fs.WalkDir(fsys, ".", r.visit); err != nil {
		return Source{}, nil, fmt.Errorf("cannot read the topology: %w", err)
	}
	data, err := fs.ReadFile(fsys, moduleFile)
	if err == nil {
		r.files[moduleFile] = data
	} else if !errors.Is(err, fs.ErrNotExist) {
		return Source{}, nil, fmt.Errorf("cannot read the topology: %w", err)
	}
	return Source{Files: r.files}, r.problems, nil
}

type sourceReader struct {
	fsys     fs.FS
	files    map[string][]byte
	size     int
	problems []Problem
}

func (r *sourceReader) visit(name string, entry fs.DirEntry, err error) error {
	switch {
	case err != nil:
		return err
	case name == ".":
		return nil
	case entry.IsDir():
		return r.enter(name, entry)
	case entry.Type()&fs.ModeSymlink != 0:
		r.refuse(name, "symbolic links are not followed", "put the file itself here, or import its package")
		return nil
	case path.Ext(name) != ".cue" || hidden(entry.Name()):
		return nil
	case strings.HasSuffix(name, "_tool.cue"):
		r.refuse(name, "tool files are not part of a topology", "remove it; nothing in a topology runs commands")
		return nil
	}
	return r.read(name)
}

// enter skips directories that hold no packages, and refuses a module within the module.
func (r *sourceReader) enter(name string, entry fs.DirEntry) error {
	if entry.Name() == "cue.mod" {
		if name != "cue.mod" {
			r.refuse(name, "a topology is one CUE module, and this begins another", "remove this cue.mod; the one at the top serves all directories")
		}
		return fs.SkipDir
	}
	if hidden(entry.Name()) {
		return fs.SkipDir
	}
	return nil
}

func (r *sourceReader) read(name string) error {
	data, err := fs.ReadFile(r.fsys, name)
	if err != nil {
		return err
	}
	r.size += len(data)
	if len(data) > maxFile || r.size > maxTree {
		r.refuse(name, "this is more CUE than one topology may hold", fmt.Sprintf("keep a file below %d MiB and all below %d MiB", maxFile>>20, maxTree>>20))
		return nil
	}
	r.files[name] = data
	return nil
}

func (r *sourceReader) refuse(name, text, remedy string) {
	r.problems = append(r.problems, Problem{Pos: Pos{File: name, Line: 1, Col: 1}, Text: text, Remedy: remedy})
}

func hidden(name string) bool { return strings.HasPrefix(name, "_") || strings.HasPrefix(name, ".") }

package schema

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"unicode/utf8"
)

// Limits of what is read from a tree. A package of ten thousand objects has about two megabytes.
const (
	maxFile = 16 << 20
	maxTree = 256 << 20
)

const moduleFile = "cue.mod/module.cue"

// readStock finds the CUE files of a tree, and the mistakes that can be told from names alone. Directories that begin
// with "_" or "." and cue.mod hold no packages, as in the cue command. Files whose hash the cache knows are not read.
func readStock(fsys fs.FS, cache *Cache) (*stock, error) {
	r := sourceReader{cache: cache, stock: &stock{fsys: fsys, files: map[string]*stocked{}, dirs: map[string][]string{}}}
	r.hasher, _ = fsys.(Hasher)
	if cache != nil {
		r.known, r.seen = cache.subtrees(), map[string]*subtree{}
		defer func() { cache.setSubtrees(r.seen) }()
	}
	if _, err := r.enterDir("."); err != nil {
		return nil, err
	}
	file, err := r.identify(moduleFile)
	if err == nil {
		r.files[moduleFile] = file
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("cannot read the topology: %w", err)
	}
	return r.stock, nil
}

type sourceReader struct {
	*stock
	cache  *Cache
	hasher Hasher // nil: the hash of a file is known only by reading it
	size   int

	known, seen map[string]*subtree // by hash: of the load before, and of this one
}

// visit reads a file, if it is one of the topology's.
func (r *sourceReader) visit(name string, entry fs.DirEntry) (*stocked, error) {
	switch {
	case entry.Type()&fs.ModeSymlink != 0:
		r.refuse(name, "symbolic links are not followed", "put the file itself here, or import its package")
		return nil, nil
	case path.Ext(name) != ".cue" || hidden(entry.Name()):
		return nil, nil
	case strings.ContainsAny(path.Dir(name), ":@") || strings.Contains(path.Dir(name), "..."):
		r.refuse(name, `no package of CUE lies in a directory whose name holds ":", "@" or "..."`, "give the directory another name")
		return nil, nil
	case strings.HasSuffix(name, "_tool.cue"):
		r.refuse(name, "tool files are not part of a topology", "remove it; nothing in a topology runs commands")
		return nil, nil
	}
	file, err := r.identify(name)
	if err == nil {
		r.put(name, file)
	}
	return file, err
}

// enter skips directories that hold no packages, and refuses a module within the module.
func (r *sourceReader) enter(name string, entry fs.DirEntry) bool {
	if entry.Name() == "cue.mod" {
		if name != "cue.mod" {
			r.refuse(name, "a topology is one CUE module, and this begins another", "remove this cue.mod; the one at the top serves all directories")
		}
		return false
	}
	if hidden(entry.Name()) {
		return false
	}
	if name == mount {
		r.refuse(name, "this name is taken: the schema itself is evaluated there", "give the directory another name")
		return false
	}
	return true
}

// put enters a file, if there is room for it.
func (r *sourceReader) put(name string, file *stocked) {
	r.size += file.header.Size
	if file.header.Size > maxFile || r.size > maxTree {
		r.refuse(name, "this is more CUE than one topology may hold", fmt.Sprintf("keep a file below %d MiB and all below %d MiB", maxFile>>20, maxTree>>20))
		return
	}
	r.files[name] = file
	r.dirs[path.Dir(name)] = append(r.dirs[path.Dir(name)], name)
}

// identify learns what a file is. It reads it only if its hash says nothing yet.
func (r *sourceReader) identify(name string) (*stocked, error) {
	hash := ""
	if r.hasher != nil && r.cache != nil {
		known, err := r.hasher.Hash(name)
		if err != nil {
			return nil, err
		}
		hash = known
		if header, ok := r.cache.header(hash); ok {
			return &stocked{hash: hash, header: header}, nil
		}
	}
	data, err := fs.ReadFile(r.fsys, name)
	if err != nil {
		return nil, err
	}
	if r.cache == nil {
		return &stocked{data: data, header: header{Size: len(data)}}, nil
	}
	if hash == "" {
		hash = hashOf(data)
	}
	return &stocked{hash: hash, header: r.cache.learn(hash, data), data: data}, nil
}

// notText is the place of the first byte that no CUE in UTF-8 has; -1 if there is none. CUE also reads UTF-16, which no other look
// at the bytes of a file would understand.
func notText(data []byte) int {
	if utf8.Valid(data) {
		return bytes.IndexByte(data, 0)
	}
	for i := 0; ; {
		r, width := utf8.DecodeRune(data[i:])
		if r == 0 || r == utf8.RuneError && width <= 1 {
			return i
		}
		i += width
	}
}

func (r *sourceReader) refuse(name, text, remedy string) {
	r.problems = append(r.problems, Problem{Pos: Pos{File: name, Line: 1, Col: 1}, Text: text, Remedy: remedy})
}

func hidden(name string) bool { return strings.HasPrefix(name, "_") || strings.HasPrefix(name, ".") }

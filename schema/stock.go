package schema

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/literal"
	"cuelang.org/go/cue/parser"
)

// Hasher is what a file system may implement that knows its files without reading them, as Git does: equal hashes are
// equal contents, also of other commits. Files that a Cache has met by their hash are then not read again.
type Hasher interface {
	Hash(name string) (string, error)
}

// stock is the CUE of a tree, known by hashes. Contents are read when they are needed.
type stock struct {
	fsys     fs.FS
	files    map[string]*stocked // by slash path, with the module file
	dirs     map[string][]string // the CUE files of each directory, sorted
	problems []Problem
}

// stocked is one file.
type stocked struct {
	hash   string
	header header
	data   []byte // nil until it is read
}

// header is what decides the place of a file among the packages. It depends on nothing but the content.
type header struct {
	Size    int      `json:"size"`
	Package string   `json:"package,omitempty"` // empty: the file belongs to none
	Imports []string `json:"imports,omitempty"`
	Odd     bool     `json:"odd,omitempty"` // it cannot be judged from here; its packages are always evaluated
}

// readHeader parses no further than the imports. What it cannot parse, and what may hold refused attributes, is odd.
func readHeader(data []byte) (h header) {
	h = header{Size: len(data), Odd: true}
	defer func() { _ = recover() }() // a file on which the parser panics stays odd
	file, err := parser.ParseFile("", data, parser.ImportsOnly)
	if err != nil {
		return h
	}
	if name := file.PackageName(); name != "_" {
		h.Package = name
	}
	for spec := range file.ImportSpecs() {
		path, err := literal.Unquote(spec.Path.Value)
		if err != nil {
			return h
		}
		h.Imports = append(h.Imports, path)
	}
	h.Odd = mayRefuse(data) || notText(data) >= 0
	return h
}

// mayRefuse tells whether a file may hold one of the refused attributes.
func mayRefuse(data []byte) bool {
	return slices.ContainsFunc(refusedAttributes, func(key string) bool { return bytes.Contains(data, []byte("@"+key)) })
}

func hashOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// content is that of a file, read at most once.
func (s *stock) content(name string) ([]byte, error) {
	file := s.files[name]
	if file.data == nil {
		data, err := fs.ReadFile(s.fsys, name)
		if err != nil {
			return nil, fmt.Errorf("cannot read the topology: %w", err)
		}
		file.data = data
	}
	return file.data, nil
}

// forget lets go of what can be read again as it was.
func (s *stock) forget(dirs []string) {
	if _, fixed := s.fsys.(Hasher); !fixed {
		return
	}
	for _, dir := range dirs {
		for _, name := range s.dirs[dir] {
			s.files[name].data = nil
		}
	}
}

// size is that of the files of a directory in bytes.
func (s *stock) size(dir string) (bytes int) {
	for _, name := range s.dirs[dir] {
		bytes += s.files[name].header.Size
	}
	return bytes
}

// source is the plain data of some files.
func (s *stock) source(names []string) (Source, error) {
	src := Source{Files: make(map[string][]byte, len(names))}
	for _, name := range names {
		data, err := s.content(name)
		if err != nil {
			return Source{}, err
		}
		src.Files[name] = data
	}
	return src, nil
}

// all is the source of the whole tree.
func (s *stock) all() (Source, error) { return s.source(slices.Collect(maps.Keys(s.files))) }

// part is the source of what the packages of some directories are made of.
func (s *stock) part(dirs []string) (Source, error) {
	needed := map[string]bool{}
	for _, dir := range dirs {
		for _, name := range s.closure(dir) {
			needed[name] = true
		}
	}
	return s.source(slices.Collect(maps.Keys(needed)))
}

// packages lists the directories that hold a package, or a file of which that cannot be told.
func (s *stock) packages() []string {
	var dirs []string
	for dir, names := range s.dirs {
		if slices.ContainsFunc(names, func(name string) bool { return s.files[name].header.Package != "" || s.files[name].header.Odd }) {
			dirs = append(dirs, dir)
		}
	}
	slices.Sort(dirs)
	return dirs
}

// closure lists all files that can have a part in the package of a directory, sorted: its own, those of the same package
// in the directories above, which CUE merges, and the same for what any of them imports. The name of the module, which
// only CUE can read, is not needed: an import may mean any directory that its path ends in. One too many costs an
// evaluation; one too few would be a lie.
func (s *stock) closure(dir string) []string {
	c := closure{stock: s, names: map[string]bool{}, asked: map[[2]string]bool{}}
	if _, ok := s.files[moduleFile]; ok {
		c.names[moduleFile] = true
	}
	for _, name := range s.dirs[dir] {
		c.take(name)
		c.above(dir, s.files[name].header.Package)
	}
	return slices.Sorted(maps.Keys(c.names))
}

type closure struct {
	*stock
	names map[string]bool
	asked map[[2]string]bool // directory and package
}

// take adds a file and what it imports.
func (c *closure) take(name string) {
	if c.names[name] {
		return
	}
	c.names[name] = true
	for _, path := range c.files[name].header.Imports {
		imported := ast.ParseImportPath(path)
		for rest, more := imported.Path, true; more; _, rest, more = strings.Cut(rest, "/") {
			c.within(rest, imported.Qualifier)
		}
		c.within(".", imported.Qualifier)
	}
}

// within adds the files of one package in a directory and above.
func (c *closure) within(dir, pkg string) {
	if c.asked[[2]string{dir, pkg}] {
		return
	}
	c.asked[[2]string{dir, pkg}] = true
	if len(c.dirs[dir]) == 0 {
		return
	}
	for _, name := range c.dirs[dir] {
		if dir != "." || c.files[name].header.Package == pkg || c.files[name].header.Odd {
			c.take(name)
		}
	}
	c.above(dir, pkg)
}

// above adds the files of a package in the directories above.
func (c *closure) above(dir, pkg string) {
	for dir != "." && pkg != "" {
		dir = path.Dir(dir)
		for _, name := range c.dirs[dir] {
			if header := c.files[name].header; header.Package == pkg || header.Odd {
				c.take(name)
			}
		}
	}
}

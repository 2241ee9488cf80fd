package schema

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/parser"
)

// Edit is one field of an object as its declaration shall say it.
type Edit struct {
	ID    ID
	Path  string          // "memory.now"; "" = the whole object
	Value json.RawMessage // nil: what is written goes
	File  string          // where a new object is written
	Near  ID              // beside this one
}

// Rewrite writes edits into the files of a topology, and gives those that changed. It touches only what the object's own declaration
// writes out: a value there is replaced, comments stay; what a pattern, a template or a default says is left as it is, and the field is
// added to the object's own struct. Whether the two unify is for Load to say. A file in the usual form stays in it.
func Rewrite(fsys fs.FS, edits []Edit) (changed map[string][]byte, err error) {
	defer func() {
		if r := recover(); r != nil {
			changed, err = nil, fmt.Errorf("internal error: CUE cannot be edited here: %v", r)
		}
	}()
	w := &rewriter{fsys: fsys, changed: map[string][]byte{}, usual: map[string]bool{}}
	for _, e := range edits {
		if err := w.edit(e); err != nil {
			return nil, err
		}
	}
	for name, data := range w.changed {
		if w.usual[name] {
			if w.changed[name], err = Layout(name, data); err != nil {
				return nil, fmt.Errorf("internal error: an edit spoils %s: %w", name, err)
			}
		}
	}
	return w.changed, nil
}

type rewriter struct {
	fsys    fs.FS
	changed map[string][]byte
	usual   map[string]bool // files that were in the usual form
}

func (w *rewriter) read(name string) ([]byte, error) {
	if data, ok := w.changed[name]; ok {
		return data, nil
	}
	return fs.ReadFile(w.fsys, name)
}

// edit makes one edit in the package of its file.
func (w *rewriter) edit(e Edit) error {
	s, err := w.sources(e.File)
	if err != nil {
		return err
	}
	var splices []splice
	if e.Value == nil {
		splices, err = s.remove(e)
	} else {
		splices, err = s.write(e)
	}
	if err != nil {
		return err
	}
	return w.apply(s, splices)
}

// splice replaces some bytes of a file.
type splice struct {
	file     string
	from, to int
	text     string
}

func (w *rewriter) apply(s *sources, splices []splice) error {
	slices.SortFunc(splices, func(a, b splice) int { return b.from - a.from }) // from the end, so that offsets stay true
	for _, one := range splices {
		data := s.text[one.file]
		if _, before := w.changed[one.file]; !before {
			laid, err := Layout(one.file, data)
			w.usual[one.file] = err == nil && bytes.Equal(laid, data)
		}
		data = slices.Concat(data[:one.from], []byte(one.text), data[one.to:])
		s.text[one.file], w.changed[one.file] = data, data
	}
	return nil
}

// sources are the files of one package: those of a directory, and of the same package in the directories above.
type sources struct {
	dir   string
	files map[string]*ast.File
	text  map[string][]byte
	order []string // own files first
}

func (w *rewriter) sources(file string) (*sources, error) {
	s := &sources{dir: path.Dir(file), files: map[string]*ast.File{}, text: map[string][]byte{}}
	if err := w.parse(s, file); err != nil {
		return nil, err
	}
	pkg := s.files[file].PackageName()
	for dir := s.dir; ; dir = path.Dir(dir) {
		entries, err := fs.ReadDir(w.fsys, dir)
		if err != nil {
			return nil, err
		}
		for _, entry := range entries {
			name := path.Join(dir, entry.Name())
			if path.Ext(name) != ".cue" || !entry.Type().IsRegular() || s.files[name] != nil {
				continue
			}
			if err := w.parse(s, name); err != nil || s.files[name].PackageName() != pkg {
				delete(s.files, name)
			}
		}
		if dir == "." || dir == "/" {
			break
		}
	}
	s.order = slices.SortedFunc(maps.Keys(s.files), func(a, b string) int {
		own := func(name string) bool { return path.Dir(name) == s.dir }
		if own(a) != own(b) {
			if own(a) {
				return -1
			}
			return 1
		}
		return strings.Compare(a, b)
	})
	return s, nil
}

func (w *rewriter) parse(s *sources, name string) error {
	data, err := w.read(name)
	if err != nil {
		return err
	}
	file, err := parser.ParseFile(name, data, parser.ParseComments)
	if err == nil {
		s.files[name], s.text[name] = file, data
	}
	return err
}

// spot is a field that is written out.
type spot struct {
	file  string
	value ast.Expr
	field *ast.Field     // nil for an element of a list
	in    *ast.StructLit // that the field stands in; nil: the file
	up    *spot          // whose value holds it; nil at the top
	made  bool           // by a comprehension
}

// find follows a path from the top of every file as far as what is written out goes.
func (s *sources) find(elements []string) (found []*spot, depth int) {
	for _, name := range s.order {
		var top []*spot
		file := &ast.StructLit{Elts: s.files[name].Decls}
		s.within(&spot{file: name, value: file}, func(n string, at *spot) {
			if at.up = nil; at.in == file {
				at.in = nil
			}
			if n == elements[0] {
				top = append(top, at)
			}
		})
		spots, n := s.follow(top, elements)
		switch {
		case len(spots) == 0 || n < depth:
		case n > depth:
			found, depth = spots, n
		default:
			found = append(found, spots...)
		}
	}
	return found, depth
}

func (s *sources) follow(found []*spot, elements []string) ([]*spot, int) {
	depth := min(1, len(found))
	for depth > 0 && depth < len(elements) {
		var next []*spot
		for _, at := range found {
			s.within(at, func(name string, inner *spot) {
				if name == elements[depth] {
					next = append(next, inner)
				}
			})
		}
		if len(next) == 0 {
			break
		}
		found, depth = next, depth+1
	}
	return found, depth
}

// within calls yield for every field that is written out in a spot's value.
func (s *sources) within(at *spot, yield func(name string, inner *spot)) {
	var in func(expr ast.Expr, made bool)
	in = func(expr ast.Expr, made bool) {
		switch e := expr.(type) {
		case *ast.ParenExpr:
			in(e.X, made)
		case *ast.BinaryExpr:
			if isAnd(e) {
				in(e.X, made)
				in(e.Y, made)
			}
		case *ast.ListLit:
			fields([]ast.Expr{e}, func(name string, p place) { yield(name, &spot{file: at.file, value: p.value, up: at, made: made}) })
		case *ast.StructLit:
			for _, decl := range e.Elts {
				switch d := decl.(type) {
				case *ast.Field:
					fieldsOf(d, func(name string, p place) {
						yield(name, &spot{file: at.file, value: p.value, field: d, in: e, up: at, made: made})
					})
				case *ast.EmbedDecl:
					in(d.Expr, made)
				case *ast.Comprehension:
					in(d.Value, true)
				}
			}
		}
	}
	in(at.value, at.made)
}

package schema

import (
	"path"
	"strconv"
	"strings"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/token"
)

// fileIndex finds declarations in the syntax of a package. It knows what is written out, also below `&`, `if` and
// embedding; for what is computed, the evaluated value must tell.
type fileIndex struct {
	top     []ast.Expr
	objects map[ID][]place
}

// place is one declaration of a field or list element.
type place struct {
	label ast.Node // nil for an element of a list
	value ast.Expr
}

func indexFiles(files []*ast.File) *fileIndex {
	x := &fileIndex{objects: map[ID][]place{}}
	for _, file := range files {
		x.top = append(x.top, &ast.StructLit{Elts: file.Decls})
	}
	fields(x.top, func(kind string, outer place) {
		fields([]ast.Expr{outer.value}, func(name string, inner place) {
			id := MakeID(kind, name)
			x.objects[id] = append(x.objects[id], inner)
		})
	})
	return x
}

// fields calls yield for every regular field that is written out in the expressions.
func fields(exprs []ast.Expr, yield func(name string, p place)) {
	for _, expr := range exprs {
		switch e := expr.(type) {
		case *ast.StructLit:
			for _, decl := range e.Elts {
				fieldsOf(decl, yield)
			}
		case *ast.BinaryExpr:
			if e.Op == token.AND {
				fields([]ast.Expr{e.X, e.Y}, yield)
			}
		case *ast.ParenExpr:
			fields([]ast.Expr{e.X}, yield)
		case *ast.ListLit:
			for i, element := range e.Elts {
				yield(strconv.Itoa(i), place{value: element})
			}
		}
	}
}

func fieldsOf(decl ast.Decl, yield func(name string, p place)) {
	switch d := decl.(type) {
	case *ast.Field:
		name, _, err := ast.LabelName(d.Label)
		if err == nil && regular(d.Label, name) {
			yield(name, place{label: d.Label, value: d.Value})
		}
	case *ast.EmbedDecl:
		fields([]ast.Expr{d.Expr}, yield)
	case *ast.Comprehension:
		fields([]ast.Expr{d.Value}, yield)
	}
}

// regular tells a field from a definition or a hidden field, which only identifiers can be.
func regular(label ast.Label, name string) bool {
	_, ident := label.(*ast.Ident)
	return !ident || !(strings.HasPrefix(name, "#") || strings.HasPrefix(name, "_"))
}

// walk follows a path from the declarations of an object as far as the syntax goes, and tells how far that was.
func (x *fileIndex) walk(id ID, path []string) (found []place, depth int) {
	found = x.objects[id]
	for depth < len(path) && len(found) > 0 {
		var next []place
		for _, p := range found {
			fields([]ast.Expr{p.value}, func(name string, inner place) {
				if name == path[depth] {
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

// position finds where a field of an object is declared, or the nearest thing around it that has a place. What the
// package's own directory says goes before what its parent directories say.
func (p *pack) position(id ID, field string) Pos {
	elements := splitPath(field)
	found, depth := p.index.walk(id, elements)
	if depth < len(elements) || len(found) == 0 {
		if pos := p.computed(id, elements, depth); !pos.IsZero() {
			return pos
		}
	}
	first := Pos{File: p.dir}
	for i, place := range found {
		pos := place.position(depth > 0)
		if path.Dir(pos.File) == p.dir {
			return pos
		}
		if i == 0 && !pos.IsZero() {
			first = pos
		}
	}
	return first
}

// position is that of a field's scalar value, else that of its label.
func (p place) position(inner bool) Pos {
	switch p.value.(type) {
	case *ast.BasicLit, *ast.Ident, *ast.SelectorExpr, *ast.Interpolation, *ast.UnaryExpr:
		if inner {
			return userPos(p.value.Pos())
		}
	}
	if p.label != nil {
		return userPos(p.label.Pos())
	}
	return userPos(p.value.Pos())
}

// computed asks the evaluated value for the position of what is not written out, from the whole path down to a depth.
func (p *pack) computed(id ID, path []string, depth int) Pos {
	value := p.value.LookupPath(objectPath(id))
	for n := len(path); n >= depth; n-- {
		if pos := valuePos(value.LookupPath(fieldPath(path[:n]))); !pos.IsZero() {
			return pos
		}
	}
	return Pos{}
}

// valuePos is the first of a value's conjuncts that the user wrote. Value.Pos alone would be a line of the schema for
// anything that is not a scalar.
func valuePos(value cue.Value) Pos {
	if !value.Exists() {
		return Pos{}
	}
	if op, args := value.Expr(); op == cue.AndOp {
		for _, arg := range args {
			if pos := userPos(arg.Pos()); !pos.IsZero() {
				return pos
			}
		}
	}
	return userPos(value.Pos())
}

// userPos turns a position of CUE into ours; it is zero inside the schema.
func userPos(pos token.Pos) Pos {
	if !pos.IsValid() {
		return Pos{}
	}
	name := strings.TrimPrefix(pos.Filename(), "/")
	if name == "" || strings.HasPrefix(name, mount+"/") {
		return Pos{}
	}
	return Pos{File: name, Line: pos.Line(), Col: pos.Column()}
}

func objectPath(id ID) cue.Path { return cue.MakePath(cue.Str(id.Kind()), cue.Str(id.Name())) }

func fieldPath(elements []string) cue.Path {
	selectors := make([]cue.Selector, len(elements))
	for i, element := range elements {
		if n, err := strconv.Atoi(element); err == nil && n >= 0 {
			selectors[i] = cue.Index(n)
		} else {
			selectors[i] = cue.Str(element)
		}
	}
	return cue.MakePath(selectors...)
}

// splitPath takes "disks.0.volume" apart. Field names with dots stand in quotes: `labels."a.b"`.
func splitPath(path string) []string {
	if path == "" {
		return nil
	}
	var elements []string
	for {
		element, err := strconv.QuotedPrefix(path)
		if err != nil {
			element, _, _ = strings.Cut(path, ".")
		}
		path = path[len(element):]
		if plain, err := strconv.Unquote(element); err == nil && element[0] == '"' {
			element = plain
		}
		elements = append(elements, element)
		if path == "" {
			return elements
		}
		path = strings.TrimPrefix(path, ".")
	}
}

package schema

import (
	"fmt"
	"slices"
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/token"
)

func isAnd(e *ast.BinaryExpr) bool { return e.Op == token.AND }

// write replaces the value of a field where it is written out, and adds the field where it is not.
func (s *sources) write(e Edit) ([]splice, error) {
	elements := append([]string{e.ID.Kind(), e.ID.Name()}, splitPath(e.Path)...)
	found, depth := s.find(elements)
	text, err := literalOf(e.Value)
	if err != nil {
		return nil, err
	}
	if depth == len(elements) {
		return s.replace(found, e, text), nil
	}
	if depth >= 2 {
		at := found[0]
		if i := slices.IndexFunc(found, func(at *spot) bool { return at.file == e.File }); i >= 0 {
			at = found[i]
		}
		return s.add(at, nest(elements[depth:], text))
	}
	near := e.Near
	if near == "" {
		near = e.ID
	}
	block := text
	if e.Path == "" {
		block = blockOf(e.Value, text)
	}
	return s.append(e.File, near, nest(elements, text), nest(elements, block))
}

// replace puts a value in the place of all that tell one; bounds and types beside them stay.
func (s *sources) replace(found []*spot, e Edit, text string) (out []splice) {
	for _, at := range found {
		if !tells(at.value) && len(found) > 1 {
			continue
		}
		says := text
		if list, ok := at.value.(*ast.ListLit); ok {
			says = s.relist(at.file, list, e.Value, text)
		}
		out = append(out, splice{at.file, at.value.Pos().Offset(), at.value.End().Offset(), says})
	}
	return out
}

// tells tells a value from a bound or a type.
func tells(expr ast.Expr) bool {
	switch e := expr.(type) {
	case *ast.UnaryExpr:
		return e.Op == token.SUB || e.Op == token.ADD || e.Op == token.NOT
	case *ast.Ident:
		return !basic[e.Name]
	}
	return true
}

var basic = map[string]bool{"string": true, "int": true, "number": true, "float": true, "bool": true, "bytes": true, "null": true, "_": true, "uint": true}

// add puts a field into the struct of a spot, which is made where there is none.
func (s *sources) add(at *spot, text string) ([]splice, error) {
	structs := literals(at.value)
	if len(structs) > 0 {
		return []splice{s.insert(at.file, structs[len(structs)-1], text, text)}, nil
	}
	from, to := at.value.Pos().Offset(), at.value.End().Offset()
	switch at.value.(type) {
	case *ast.Ident, *ast.SelectorExpr, *ast.CallExpr, *ast.ParenExpr, *ast.IndexExpr:
		return []splice{{at.file, to, to, " & {" + text + "}"}}, nil
	case *ast.BinaryExpr:
		return []splice{{at.file, from, from, "("}, {at.file, to, to, ") & {" + text + "}"}}, nil
	}
	return nil, fmt.Errorf("%s: what is written there has no room for %q; write it by hand", userPos(at.value.Pos()), text)
}

// literals are the structs that are written out in an expression.
func literals(expr ast.Expr) (out []*ast.StructLit) {
	switch e := expr.(type) {
	case *ast.StructLit:
		return []*ast.StructLit{e}
	case *ast.ParenExpr:
		return literals(e.X)
	case *ast.BinaryExpr:
		if isAnd(e) {
			return append(literals(e.X), literals(e.Y)...)
		}
	}
	return nil
}

// insert puts a field at the end of a struct: as text where that stands on one line, as a block of lines where it does not.
func (s *sources) insert(file string, in *ast.StructLit, text, block string) splice {
	data := s.text[file]
	if !in.Lbrace.IsValid() { // a: b: c, the only element of which is b: c
		from, to := in.Pos().Offset(), in.End().Offset()
		return splice{file, from, to, "{" + string(data[from:to]) + ", " + text + "}"}
	}
	end := in.Rbrace.Offset()
	begin := end
	for begin > 0 && (data[begin-1] == ' ' || data[begin-1] == '\t') {
		begin--
	}
	if in.Lbrace.Line() != in.Rbrace.Line() && data[begin-1] == '\n' {
		indent := string(data[begin:end])
		return splice{file, begin, begin, indent + "\t" + strings.ReplaceAll(block, "\n", "\n"+indent+"\t") + "\n"}
	}
	if rest := strings.TrimSpace(string(data[in.Lbrace.Offset()+1 : end])); rest != "" && !strings.HasSuffix(rest, ",") {
		text = ", " + text
	}
	return splice{file, begin, end, text}
}

// append puts a field into the struct that declares an object, or at the end of a file.
func (s *sources) append(file string, near ID, text, block string) ([]splice, error) {
	found, depth := s.find([]string{near.Kind(), near.Name()})
	for _, at := range found {
		for at.up != nil {
			at = at.up
		}
		if depth == 2 && at.in != nil && !at.made && at.file == file && at.in.Lbrace.IsValid() {
			return []splice{s.insert(file, at.in, text, block)}, nil
		}
	}
	for _, decl := range s.files[file].Decls {
		if embedded, ok := decl.(*ast.EmbedDecl); ok {
			if structs := literals(embedded.Expr); len(structs) > 0 {
				return []splice{s.insert(file, structs[len(structs)-1], text, block)}, nil
			}
		}
	}
	data := s.text[file]
	begin := ""
	if len(data) > 0 && data[len(data)-1] != '\n' {
		begin = "\n"
	}
	return []splice{{file, len(data), len(data), begin + "\n" + block + "\n"}}, nil
}

// remove takes a field out wherever it is written out; what only it stood in goes along, but for an object's own struct.
func (s *sources) remove(e Edit) (out []splice, err error) {
	elements := append([]string{e.ID.Kind(), e.ID.Name()}, splitPath(e.Path)...)
	found, depth := s.find(elements)
	if depth < len(elements) {
		return nil, fmt.Errorf("%s is not written out in the declaration of %s", e.Path, e.ID)
	}
	for _, at := range found {
		if at.field == nil {
			return nil, fmt.Errorf("%s: an element of a list cannot be taken out by itself", userPos(at.value.Pos()))
		}
		keep := len(elements)
		for ; at.in != nil && !at.in.Lbrace.IsValid() && at.up != nil && at.up.field != nil && (keep > 3 || e.Path == ""); keep-- {
			at = at.up
		}
		if at.in != nil && !at.in.Lbrace.IsValid() { // vm: web: memory: …, and no more of web here
			out = append(out, splice{at.file, at.in.Pos().Offset(), at.in.End().Offset(), "{}"})
			continue
		}
		out = append(out, s.line(at))
	}
	return out, nil
}

// line is a field with the comments that belong to it, its comma and its line, when nothing else is on that.
func (s *sources) line(at *spot) splice {
	data := s.text[at.file]
	from, to := at.field.Pos().Offset(), at.field.End().Offset()
	for _, group := range ast.Comments(at.field) {
		from, to = min(from, group.Pos().Offset()), max(to, group.End().Offset())
	}
	for to < len(data) && (data[to] == ' ' || data[to] == '\t' || data[to] == ',') {
		to++
	}
	begin := from
	for begin > 0 && (data[begin-1] == ' ' || data[begin-1] == '\t') {
		begin--
	}
	if (begin == 0 || data[begin-1] == '\n') && to < len(data) && data[to] == '\n' {
		return splice{at.file, begin, to + 1, ""}
	}
	if to == len(data) || data[to] == '}' { // the last one of a line: its comma is before it
		for from > 0 && (data[from-1] == ' ' || data[from-1] == ',') {
			from--
		}
	}
	return splice{at.file, from, to, ""}
}

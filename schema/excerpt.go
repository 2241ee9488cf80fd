package schema

import (
	"errors"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/format"
	"cuelang.org/go/cue/parser"
	"cuelang.org/go/cue/token"
)

// Excerpt takes the last object of a kind out of a topology's text, under another name ("" = its own), as a file of its own
// in a package.
func Excerpt(topology []byte, kind, name, pack string) ([]byte, error) {
	file, err := parser.ParseFile("example.cue", topology, parser.ParseComments)
	if err != nil {
		return nil, err
	}
	var found *ast.Field
	ast.Walk(file, func(n ast.Node) bool {
		field, ok := n.(*ast.Field)
		if ok && label(field) == kind {
			found = field
		}
		return !ok // objects are not looked into
	}, nil)
	if found == nil {
		return nil, errors.New("there is no " + kind + " in it")
	}
	if objects, ok := found.Value.(*ast.StructLit); ok && name != "" && len(objects.Elts) > 0 {
		objects.Elts = objects.Elts[len(objects.Elts)-1:]
		if object, ok := objects.Elts[0].(*ast.Field); ok {
			object.Label = ast.NewStringLabel(name)
		}
	}
	topologyLit := ast.NewStruct(found)
	topologyLit.Lbrace, topologyLit.Rbrace = token.Blank.Pos(), token.Newline.Pos()
	ast.SetRelPos(topologyLit, token.Blank)
	ast.SetRelPos(found, token.Newline)
	out := &ast.File{Decls: []ast.Decl{
		&ast.Package{Name: ast.NewIdent(pack)},
		&ast.ImportDecl{Specs: []*ast.ImportSpec{ast.NewImport(nil, importPath)}},
		&ast.EmbedDecl{Expr: &ast.BinaryExpr{X: ast.NewSel(ast.NewIdent("schema"), "#Topology"), Op: token.AND, Y: topologyLit}},
	}}
	return format.Node(out)
}

// PackageName is the package that a CUE file says it belongs to; "" = none, or it cannot be told.
func PackageName(data []byte) string {
	file, err := parser.ParseFile("", data, parser.PackageClauseOnly)
	if err != nil {
		return ""
	}
	return file.PackageName()
}

package schema

import (
	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/literal"
	"cuelang.org/go/cue/token"
)

// strip takes `schema.#Topology &` off what a package embeds at its top. The package is unified with #Topology in any
// case, which also closes it; as it stands CUE would apply the whole schema twice, once for the package alone.
func strip(files []*ast.File) {
	for _, file := range files {
		kept := file.Decls[:0:0]
		for _, decl := range file.Decls {
			if embedded, ok := decl.(*ast.EmbedDecl); ok {
				rest := without(embedded.Expr)
				if rest == nil {
					continue
				}
				decl = &ast.EmbedDecl{Expr: rest}
			}
			kept = append(kept, decl)
		}
		file.Decls = kept
	}
}

// without is an expression but for the conjuncts that are #Topology, nil if nothing remains.
func without(expr ast.Expr) ast.Expr {
	switch e := expr.(type) {
	case *ast.SelectorExpr:
		if isTopology(e) {
			return nil
		}
	case *ast.ParenExpr:
		return without(e.X)
	case *ast.BinaryExpr:
		if e.Op != token.AND {
			break
		}
		x, y := without(e.X), without(e.Y)
		switch {
		case x == nil:
			return y
		case y == nil:
			return x
		case x != e.X || y != e.Y:
			return &ast.BinaryExpr{X: x, Op: e.Op, OpPos: e.OpPos, Y: y}
		}
	}
	return expr
}

// isTopology tells whether an expression is #Topology of the schema, whatever name it was imported by.
func isTopology(e *ast.SelectorExpr) bool {
	name, _, err := ast.LabelName(e.Sel)
	pkg, ok := e.X.(*ast.Ident)
	if err != nil || !ok || name != "#Topology" {
		return false
	}
	spec, ok := pkg.Node.(*ast.ImportSpec)
	if !ok {
		return false
	}
	path, err := literal.Unquote(spec.Path.Value)
	return err == nil && ast.ParseImportPath(path).Path == importPath
}

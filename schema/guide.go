package schema

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/format"
	"cuelang.org/go/cue/parser"
	"cuelang.org/go/cue/token"
)

// Guide is what the schema says of a kind or of one of its fields.
type Guide struct {
	Path   string  `json:"path"`             // "vm", "vm.cpu.max"
	Need   string  `json:"need,omitempty"`   // required | optional | default; "" = a kind
	Type   string  `json:"type,omitempty"`   // as CUE; "" = a struct, described by its fields
	Text   string  `json:"text,omitempty"`   // the comment above it, as one paragraph a blank line
	Fields []Guide `json:"fields,omitempty"` // in the order of the schema, those that all kinds share last
}

// Explain tells what the schema in this binary says of a kind ("vm") or a field of one ("vm.disks.volume"; places in lists
// and names of objects are left out). The error names the nearest path that there is.
func Explain(path string) (Guide, error) {
	b, err := openBook()
	if err != nil {
		return Guide{}, err
	}
	words := strings.Split(path, ".")
	definition, ok := b.kinds[words[0]]
	if !ok {
		return Guide{}, fmt.Errorf("there is no kind %q; %s", words[0], didYouMean(words[0], b.names(), listed(b.names())))
	}
	guide := Guide{Path: words[0], Text: text(b.definitions[definition]), Fields: b.fields(words[0], b.definitions[definition].Value)}
	for _, word := range words[1:] {
		i := slices.IndexFunc(guide.Fields, func(f Guide) bool { return strings.HasSuffix(f.Path, "."+word) })
		if i < 0 {
			var names []string
			for _, f := range guide.Fields {
				names = append(names, f.Path[len(guide.Path)+1:])
			}
			return Guide{}, fmt.Errorf("%s has no field %q; %s", guide.Path, word, didYouMean(word, names, listed(names)))
		}
		guide = guide.Fields[i]
	}
	return guide, nil
}

// KindNames lists the kinds that the schema knows, sorted.
func KindNames() []string {
	b, err := openBook()
	if err != nil {
		panic("internal error: the schema in this binary is broken: " + err.Error())
	}
	return b.names()
}

func listed(names []string) string { return "there are " + strings.Join(names, ", ") }

// book is the schema as syntax.
type book struct {
	kinds       map[string]string // to definitions
	definitions map[string]*ast.Field
}

func openBook() (*book, error) {
	b := &book{kinds: map[string]string{}, definitions: map[string]*ast.Field{}}
	files, err := fs.Glob(embedded, "*.cue")
	if err != nil {
		return nil, err
	}
	for _, name := range files {
		data, err := embedded.ReadFile(name)
		if err != nil {
			return nil, err
		}
		file, err := parser.ParseFile(path.Base(name), data, parser.ParseComments)
		if err != nil {
			return nil, fmt.Errorf("cannot read the schema: %w", err)
		}
		for _, declaration := range file.Decls {
			if field, ok := declaration.(*ast.Field); ok {
				b.add(field)
			}
		}
	}
	return b, nil
}

// add takes a definition up, or the line by which a kind registers: `#Topology: vm?: [string]: #VM`.
func (b *book) add(field *ast.Field) {
	name := label(field)
	if name != "#Topology" {
		b.definitions[name] = field
		return
	}
	kinds, ok := field.Value.(*ast.StructLit)
	if !ok || len(kinds.Elts) != 1 {
		return
	}
	kind, ok := kinds.Elts[0].(*ast.Field)
	if !ok {
		return
	}
	for node := kind.Value; ; {
		switch n := node.(type) {
		case *ast.StructLit:
			node = n.Elts[0].(*ast.Field).Value
		case *ast.Ident:
			b.kinds[label(kind)] = n.Name
			return
		default:
			return
		}
	}
}

func (b *book) names() []string {
	var names []string
	for name := range b.kinds {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// fields lists what a value holds: of a struct, of a definition, of the items of a list, of any side of a disjunction.
func (b *book) fields(path string, value ast.Expr) []Guide {
	var own, shared []Guide
	switch v := value.(type) {
	case *ast.StructLit:
		for _, element := range v.Elts {
			switch e := element.(type) {
			case *ast.Field:
				if _, pattern := e.Label.(*ast.ListLit); pattern { // names of the user's choice are left out
					own = append(own, b.fields(path, e.Value)...)
				} else {
					own = append(own, b.field(path+"."+label(e), e))
				}
			case *ast.EmbedDecl:
				shared = append(shared, b.fields(path, e.Expr)...)
			}
		}
	case *ast.Ident:
		if definition := b.definitions[v.Name]; definition != nil {
			return b.fields(path, definition.Value)
		}
	case *ast.ListLit:
		for _, item := range v.Elts {
			own = append(own, b.fields(path, item)...)
		}
	case *ast.Ellipsis:
		if v.Type != nil {
			return b.fields(path, v.Type)
		}
	case *ast.BinaryExpr:
		own = append(b.fields(path, v.X), b.fields(path, v.Y)...)
	case *ast.UnaryExpr:
		return b.fields(path, v.X)
	case *ast.ParenExpr:
		return b.fields(path, v.X)
	}
	return unique(append(own, shared...))
}

// unique keeps the first of fields that have one path: a list may begin with an item that all further ones are like.
func unique(all []Guide) []Guide {
	seen := map[string]bool{}
	return slices.DeleteFunc(all, func(g Guide) bool {
		twice := seen[g.Path]
		seen[g.Path] = true
		return twice
	})
}

func (b *book) field(path string, field *ast.Field) Guide {
	g := Guide{Path: path, Text: text(field), Fields: b.fields(path, field.Value), Need: "default"}
	switch field.Constraint {
	case token.NOT:
		g.Need = "required"
	case token.OPTION:
		g.Need = "optional"
	}
	if _, ok := field.Value.(*ast.StructLit); !ok {
		g.Type = expression(field.Value)
	}
	if g.Text == "" {
		if ident, ok := field.Value.(*ast.Ident); ok && b.definitions[ident.Name] != nil {
			g.Text = text(b.definitions[ident.Name])
		}
	}
	return g
}

// expression is a type on one line.
func expression(value ast.Expr) string {
	data, err := format.Node(value, format.Simplify())
	if err != nil {
		return ""
	}
	return strings.Join(strings.Fields(string(data)), " ")
}

func label(field *ast.Field) string {
	name, _, _ := ast.LabelName(field.Label)
	return name
}

// text is the comment above a field.
func text(field *ast.Field) string {
	var out []string
	for _, group := range ast.Comments(field) {
		if group.Doc {
			out = append(out, strings.TrimSpace(group.Text()))
		}
	}
	return strings.Join(out, "\n")
}

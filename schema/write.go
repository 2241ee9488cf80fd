package schema

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/build"
	"cuelang.org/go/cue/cuecontext"
	"cuelang.org/go/cue/format"
	"cuelang.org/go/cue/parser"
	"cuelang.org/go/cue/token"
	cuejson "cuelang.org/go/encoding/json"
)

// Writer says objects as CUE text, each judged by the schema in this binary.
type Writer struct {
	ctx    *cue.Context
	kinds  map[string]string // to definitions
	schema cue.Value
}

// Written is an object to be written: where it lives, how far it is owned, and its spec as JSON. Hosts may be empty.
type Written struct {
	ID     ID
	Hosts  []string
	Manage Manage
	Spec   json.RawMessage
}

// NewWriter reads the schema.
func NewWriter() (*Writer, error) {
	b, err := openBook()
	if err != nil {
		return nil, err
	}
	files, err := fs.Glob(embedded, "*.cue")
	if err != nil {
		return nil, err
	}
	instance := build.NewContext().NewInstance("", nil)
	for _, name := range files {
		data, err := embedded.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("cannot read the schema: %w", err)
		}
		file, err := parser.ParseFile(name, data)
		if err != nil {
			return nil, fmt.Errorf("cannot read the schema: %w", err)
		}
		if err := instance.AddSyntax(file); err != nil {
			return nil, fmt.Errorf("cannot read the schema: %w", err)
		}
	}
	if err := instance.Complete(); err != nil {
		return nil, fmt.Errorf("cannot read the schema: %w", err)
	}
	ctx := cuecontext.New()
	value := ctx.BuildInstance(instance)
	return &Writer{ctx, b.kinds, value}, value.Err()
}

// Object is the text of one object, `vm: web: {…}`, in lines, without what the schema says by default. The error is why the
// schema does not take it.
func (w *Writer) Object(o Written) (string, error) {
	kind := w.schema.LookupPath(cue.ParsePath(w.kinds[o.ID.Kind()]))
	if w.kinds[o.ID.Kind()] == "" {
		return "", fmt.Errorf("the schema has no kind %q", o.ID.Kind())
	}
	data, err := o.members()
	if err != nil {
		return "", err
	}
	expr, err := cuejson.Extract("", data)
	if err != nil {
		return "", fmt.Errorf("cannot read the spec of %s: %w", o.ID, err)
	}
	object, ok := expr.(*ast.StructLit)
	if !ok {
		return "", fmt.Errorf("the spec of %s is no struct", o.ID)
	}
	p := &pruner{w.ctx, kind, object}
	if err := p.whole().Validate(cue.Concrete(true)); err != nil {
		return "", fmt.Errorf("the schema does not take it: %s", strings.Split(err.Error(), "\n")[0])
	}
	p.prune(object, nil)
	text, err := Layout("", fmt.Appendf(nil, "%s: %s: %s\n", o.ID.Kind(), quoted(o.ID.Name()), lines(object)))
	return strings.TrimSuffix(string(text), "\n"), err
}

func quoted(name string) string {
	if ast.IsValidIdent(name) && name[0] != '_' && name[0] != '#' {
		return name
	}
	return quoteText(name)
}

// members puts placement before the spec and manage behind it, and leaves out what was resolved.
func (o Written) members() ([]byte, error) {
	var out bytes.Buffer
	out.WriteByte('{')
	add := func(name string, value any) error {
		data, err := json.Marshal(value)
		if err == nil {
			if out.Len() > 1 {
				out.WriteByte(',')
			}
			fmt.Fprintf(&out, "%q:%s", name, data)
		}
		return err
	}
	switch len(o.Hosts) {
	case 0:
	case 1:
		add("host", o.Hosts[0])
	default:
		add("hosts", o.Hosts)
	}
	decoder := json.NewDecoder(bytes.NewReader(o.Spec))
	if _, err := decoder.Token(); err != nil {
		return nil, err
	}
	for decoder.More() {
		name, err := decoder.Token()
		var value json.RawMessage
		if err == nil {
			err = decoder.Decode(&value)
		}
		if err == nil && name != "resolved" {
			err = add(name.(string), value)
		}
		if err != nil {
			return nil, err
		}
	}
	if o.Manage != "" {
		add("manage", o.Manage)
	}
	out.WriteByte('}')
	return out.Bytes(), nil
}

// pruner takes out of an object what the schema says without it.
type pruner struct {
	ctx    *cue.Context
	kind   cue.Value
	object *ast.StructLit
}

func (p *pruner) whole() cue.Value { return p.kind.Unify(p.ctx.BuildExpr(p.object)) }

func (p *pruner) prune(at *ast.StructLit, path []cue.Selector) {
	for _, element := range slices.Clone(at.Elts) {
		field, ok := element.(*ast.Field)
		if !ok {
			continue
		}
		name, _, err := ast.LabelName(field.Label)
		if err != nil {
			continue
		}
		here := append(slices.Clip(path), cue.Str(name))
		before := p.told(here)
		i := slices.Index(at.Elts, element)
		at.Elts = slices.Delete(slices.Clone(at.Elts), i, i+1)
		if before != "" && p.told(here) == before {
			continue
		}
		at.Elts = slices.Insert(at.Elts, i, element)
		if inner, ok := field.Value.(*ast.StructLit); ok {
			p.prune(inner, here)
		}
	}
}

// told is what object and schema together say at a path, as JSON; "" is nothing.
func (p *pruner) told(path []cue.Selector) string {
	data, err := p.whole().LookupPath(cue.MakePath(path...)).MarshalJSON()
	if err != nil {
		return ""
	}
	return string(data)
}

// Package is the text of a CUE file: a comment, its package, and objects as Object gives them.
func Package(name, comment string, objects []string) ([]byte, error) {
	var out bytes.Buffer
	for line := range strings.Lines(comment) {
		fmt.Fprintf(&out, "// %s\n", strings.TrimSpace(line))
	}
	fmt.Fprintf(&out, "package %s\n\nimport \"plumbline.internal/schema\"\n\nschema.#Topology & {\n", name)
	for _, object := range objects {
		out.WriteString(object + "\n")
	}
	out.WriteString("}\n")
	return Layout("", out.Bytes())
}

// lines is a struct's text: the fields of the object one a line, what is inside them on the same line.
func lines(object *ast.StructLit) string {
	var out strings.Builder
	out.WriteString("{\n")
	for _, element := range object.Elts {
		ast.Walk(element, flat, nil)
		text, err := format.Node(element, format.Simplify())
		if err != nil {
			return err.Error() // Layout will not take it
		}
		out.Write(text)
		out.WriteByte('\n')
	}
	return out.String() + "}"
}

// flat puts what is inside a field on one line.
func flat(n ast.Node) bool {
	if s, ok := n.(*ast.StructLit); ok {
		s.Lbrace, s.Rbrace = token.Blank.Pos(), token.Blank.Pos()
		for _, element := range s.Elts {
			ast.SetRelPos(element, token.Blank)
		}
	}
	if l, ok := n.(*ast.ListLit); ok {
		l.Rbrack = token.Blank.Pos()
		for _, element := range l.Elts {
			ast.SetRelPos(element, token.Blank)
		}
	}
	return true
}

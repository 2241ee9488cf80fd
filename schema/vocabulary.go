package schema

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/errors"
	"cuelang.org/go/cue/parser"
)

// vocabulary answers what the schema knows: the fields at a path and what a definition is in words. The words are the
// definition's own comment: "#Size is an amount of bytes …" makes the message "64MB is not an amount of bytes …".
type vocabulary struct {
	topology    cue.Value
	definitions func() []definition
}

type definition struct {
	file     string
	name     string
	from, to int // lines
	meaning  string
}

func readDefinitions(schema map[string][]byte) []definition {
	var found []definition
	for name, data := range schema {
		if path.Ext(name) != ".cue" || strings.HasPrefix(name, "cue.mod/") {
			continue
		}
		file, err := parser.ParseFile(name, data, parser.ParseComments)
		if err != nil {
			continue
		}
		for _, decl := range file.Decls {
			if field, ok := decl.(*ast.Field); ok {
				found = append(found, describeDefinition(name, field)...)
			}
		}
	}
	return found
}

// describeDefinition reads the comment of a scalar definition up to its first full stop.
func describeDefinition(file string, field *ast.Field) []definition {
	name, _, err := ast.LabelName(field.Label)
	if _, isStruct := field.Value.(*ast.StructLit); err != nil || isStruct || !strings.HasPrefix(name, "#") {
		return nil
	}
	for _, group := range ast.Comments(field) {
		text := strings.Join(strings.Fields(group.Text()), " ")
		meaning, ok := strings.CutPrefix(text, name+" is ")
		if !ok {
			continue
		}
		if end := strings.Index(meaning+" ", ". "); end >= 0 {
			meaning = meaning[:end]
		}
		return []definition{{file: file, name: name, from: field.Pos().Line(), to: field.End().Line(), meaning: meaning}}
	}
	return nil
}

// definition is the meaning of the scalar definition that a value failed: the one that its field names, or else one that
// the error has a position in.
func (v vocabulary) definition(path []string, e errors.Error) string {
	if meaning := v.meaning(path); meaning != "" {
		return meaning
	}
	if v.definitions == nil {
		return ""
	}
	positions := append(slices.Clone(e.InputPositions()), e.Position())
	for _, pos := range positions {
		file, inSchema := strings.CutPrefix(pos.Filename(), "/"+mount+"/")
		for _, d := range v.definitions() {
			if inSchema && d.file == file && d.from <= pos.Line() && pos.Line() <= d.to {
				return d.meaning
			}
		}
	}
	return ""
}

// meaning is that of the scalar definition that the schema names for a field, "" if it names none.
func (v vocabulary) meaning(path []string) string {
	at, ok := v.at(path)
	if !ok || v.definitions == nil {
		return ""
	}
	_, reference := at.ReferencePath()
	selectors := reference.Selectors()
	if len(selectors) == 0 {
		return ""
	}
	for _, d := range v.definitions() {
		if d.name == selectors[len(selectors)-1].String() {
			return d.meaning
		}
	}
	return ""
}

// fields lists the names that the schema allows at a path, in its order; none where any name is allowed.
func (v vocabulary) fields(path []string) []string {
	at, ok := v.at(path)
	if !ok {
		return nil
	}
	it, err := at.Fields(cue.Optional(true))
	if err != nil {
		return nil
	}
	var names []string
	for it.Next() {
		if selector := it.Selector(); selector.LabelType() == cue.StringLabel && selector.ConstraintType() != cue.PatternConstraint {
			names = append(names, selector.Unquoted())
		}
	}
	return names
}

// closed lists the fields that the schema allows at a path if it allows no others, or nil.
func (v vocabulary) closed(path []string) []string {
	at, ok := v.at(path)
	if !ok || at.Allows(cue.AnyString) {
		return nil
	}
	if op, _ := at.Expr(); op == cue.OrOp {
		return nil
	}
	return v.fields(path)
}

// at follows a path through the schema: fields, patterns and elements of lists.
func (v vocabulary) at(path []string) (cue.Value, bool) {
	at := v.topology
	for _, element := range path {
		next := at.LookupPath(cue.MakePath(cue.Str(element).Optional()))
		if !next.Exists() {
			next = at.LookupPath(cue.MakePath(cue.AnyString))
		}
		if _, err := strconv.Atoi(element); err == nil && !next.Exists() {
			next = at.LookupPath(cue.MakePath(cue.AnyIndex))
		}
		if !next.Exists() {
			return cue.Value{}, false
		}
		at = next
	}
	return at, len(path) == 0 || at.Exists()
}

// form shows what a missing field should hold, if one line can.
func (v vocabulary) form(path []string) string {
	at, ok := v.at(path)
	if !ok {
		return ""
	}
	text := fmt.Sprint(at)
	if strings.Contains(text, "\n") || len(text) > 40 || strings.Contains(text, "=~") || strings.HasPrefix(text, "_|_") {
		return ""
	}
	return text
}

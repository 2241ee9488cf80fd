package schema

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/literal"
)

// literalOf says a value as CUE: text in quotes, with whatever does not print escaped, so that it is text whatever it holds.
func literalOf(value json.RawMessage) (string, error) {
	decoder := json.NewDecoder(bytes.NewReader(value))
	decoder.UseNumber()
	var v any
	if err := decoder.Decode(&v); err != nil {
		return "", fmt.Errorf("internal error: cannot read a value that is to be written: %w", err)
	}
	return cueText(v), nil
}

func cueText(v any) string {
	switch v := v.(type) {
	case string:
		return quoteText(v)
	case []any:
		parts := make([]string, len(v))
		for i := range v {
			parts[i] = cueText(v[i])
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case map[string]any:
		var parts []string
		for _, name := range slices.Sorted(maps.Keys(v)) {
			parts = append(parts, quoted(name)+": "+cueText(v[name]))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case nil:
		return "null"
	}
	return fmt.Sprint(v) // a number in its own digits, true or false
}

// blockOf is a struct with a line for each field; text is what anything else is.
func blockOf(value json.RawMessage, text string) string {
	var members map[string]json.RawMessage
	if json.Unmarshal(value, &members) != nil || len(members) == 0 {
		return text
	}
	var out strings.Builder
	for _, name := range slices.Sorted(maps.Keys(members)) {
		said, err := literalOf(members[name])
		if err != nil {
			return text
		}
		out.WriteString("\t" + quoted(name) + ": " + said + "\n")
	}
	return "{\n" + out.String() + "}"
}

// quoteText keeps letters of all alphabets as they are.
func quoteText(text string) string { return literal.String.WithGraphicOnly().Quote(text) }

// nest is `a: b: text`.
func nest(elements []string, text string) string {
	var out strings.Builder
	for _, element := range elements {
		out.WriteString(quoted(element) + ": ")
	}
	return out.String() + text
}

// relist is the text of a list that shall hold other values: the elements that stay keep their text and their comments. whole is
// the list as Rewrite would write it anew.
func (s *sources) relist(file string, list *ast.ListLit, value json.RawMessage, whole string) string {
	var want []json.RawMessage
	data := s.text[file]
	from, to := list.Lbrack.Offset(), list.Rbrack.Offset()
	if json.Unmarshal(value, &want) != nil || len(list.Elts) == 0 || list.Lbrack.Line() == list.Rbrack.Line() {
		return whole
	}
	chunks := s.chunks(data, list)
	var out strings.Builder
	out.Write(data[from:chunks[0].from])
	for _, one := range want {
		text, err := literalOf(one)
		if err != nil {
			return whole
		}
		i := slices.IndexFunc(chunks, func(c chunk) bool { return !c.used && c.says == text })
		if i >= 0 {
			chunks[i].used = true
			out.Write(data[chunks[i].from:chunks[i].to])
			continue
		}
		out.WriteString("\n" + text + ",")
	}
	tail := chunks[len(chunks)-1].to
	out.Write(data[tail : to+1])
	return out.String()
}

// chunk is an element of a list with the comments before it and on its line.
type chunk struct {
	from, to int
	says     string // as cueText would write it; "" = it is computed
	used     bool
}

func (s *sources) chunks(data []byte, list *ast.ListLit) []chunk {
	out := make([]chunk, len(list.Elts))
	from := list.Lbrack.Offset() + 1
	for i, element := range list.Elts {
		to := element.End().Offset()
		for to < list.Rbrack.Offset() && data[to] != '\n' {
			to++
		}
		if i+1 < len(list.Elts) {
			to = min(to, list.Elts[i+1].Pos().Offset())
		}
		out[i] = chunk{from: from, to: to}
		if v, ok := plainValue(element); ok {
			out[i].says = cueText(v)
		}
		from = to
	}
	return out
}

// plainValue reads what is written out in full.
func plainValue(expr ast.Expr) (any, bool) {
	switch e := expr.(type) {
	case *ast.BasicLit:
		if text, err := literal.Unquote(e.Value); err == nil {
			return text, true
		}
		return json.Number(e.Value), true
	case *ast.ListLit:
		all := make([]any, len(e.Elts))
		for i, element := range e.Elts {
			v, ok := plainValue(element)
			if !ok {
				return nil, false
			}
			all[i] = v
		}
		return all, true
	case *ast.StructLit:
		all := map[string]any{}
		for _, decl := range e.Elts {
			field, ok := decl.(*ast.Field)
			if !ok {
				return nil, false
			}
			name, _, err := ast.LabelName(field.Label)
			v, plain := plainValue(field.Value)
			if err != nil || !plain {
				return nil, false
			}
			all[name] = v
		}
		return all, true
	}
	return nil, false
}

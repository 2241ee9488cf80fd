package schema

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"cuelang.org/go/cue/errors"
)

// plain describes the mistakes that belong to no schema: syntax, imports, names, arithmetic.
func (t *translator) plain(p *Problem, e errors.Error, format string, args []any) {
	first := arg(args, 0)
	switch {
	case strings.HasPrefix(format, "expected "):
		p.Text = "syntax error: " + strings.ReplaceAll(tokenClass.ReplaceAllString(fmt.Sprintf(format, args...), "found "), "'IDENT'", "a name")
	case format == "import failed", strings.HasPrefix(format, "builtin package"):
		t.importFailed(p, first)
	case strings.HasPrefix(format, "imported and not used"):
		p.Text, p.Remedy = first+" is imported and not used", "remove the import"
	case strings.HasPrefix(format, "reference"):
		p.Text, p.Remedy = fmt.Sprintf("the name %s is not defined here", short(fmt.Sprintf("%q", first))), "define it, or put quotes around it if it is a text"
	case strings.HasPrefix(format, "undefined field"):
		p.Text, p.Remedy = fmt.Sprintf("refers to the field %q, which does not exist", first), "name an existing one; an object of another package is named by its plain name, in quotes"
	case strings.HasPrefix(format, "incomplete value"):
		p.Text, p.Remedy = "has no value yet: "+short(first), "give it one"
	case strings.HasPrefix(format, "structural cycle"):
		p.Text, p.Remedy = "a definition contains itself without end", "make the inner field optional"
	case strings.HasPrefix(format, "failed arithmetic"):
		p.Text = "cannot compute: " + first
	case strings.Contains(format, "list lengths"):
		p.Text = fmt.Sprintf("the list has %s elements where %s are needed", arg(args, 0), arg(args, 1))
	case strings.HasPrefix(format, "index out of range"):
		p.Text = fmt.Sprintf("asks for element %s of a list of %s", first, arg(args, 1))
	case format == "":
		p.Text = clean(e.Error())
	default:
		p.Text = clean(fmt.Sprintf(format, args...))
	}
}

// importFailed names the package that an import line asks for.
func (t *translator) importFailed(p *Problem, name string) {
	if name == "" || !strings.Contains(name, "/") {
		if written := t.literalAt(p.Pos); written != "" {
			name = written
		}
	}
	p.Text = fmt.Sprintf("cannot import %q: there is no such package", name)
	p.Remedy = "packages of this repository (" + t.moduleName() + "/DIR), of CUE itself and " + importPath + " can be imported"
}

func (t *translator) moduleName() string {
	module, _, _ := moduleIdentity(t.src)
	name, _, _ := strings.Cut(module, "@")
	return name
}

// literalAt is the first quoted text at or after a position of the source.
func (t *translator) literalAt(pos Pos) string {
	_, rest, _ := strings.Cut(t.sourceAt(pos), `"`)
	text, _, _ := strings.Cut(rest, `"`)
	return text
}

// sourceAt is the rest of the source's line at a position.
func (t *translator) sourceAt(pos Pos) string {
	if line := t.lineOf(pos); pos.Col >= 1 && pos.Col <= len(line) {
		return line[pos.Col-1:]
	}
	return ""
}

// lineOf is the whole line of the source that a position is on.
func (t *translator) lineOf(pos Pos) string {
	lines := bytes.Split(t.src.Files[pos.File], []byte("\n"))
	if pos.Line < 1 || pos.Line > len(lines) {
		return ""
	}
	return string(lines[pos.Line-1])
}

// tokenClass is CUE's word for what kind of token it found, before the token itself.
var tokenClass = regexp.MustCompile(`found '[A-Z]+' `)

var mountedFile = regexp.MustCompile(`\s*\(?/?` + mount + `\S*`)

// clean keeps a message of CUE that has no words of its own here to one line without positions of the schema.
func clean(text string) string {
	text, _, _ = strings.Cut(text, "\n")
	text = strings.ReplaceAll(text, "#Topology.", "")
	return strings.TrimSuffix(mountedFile.ReplaceAllString(text, ""), ":")
}

// disjunction describes a value that fits none of several alternatives, and tells whether it found words for it.
func (t *translator) disjunction(p *Problem, group []errors.Error) bool {
	if len(group) == 0 {
		p.Text = "fits none of the allowed forms"
		return true
	}
	var choices, kinds []option
	var value side
	for _, e := range group {
		format, args := e.Msg()
		if !strings.HasPrefix(format, "conflicting values") {
			continue
		}
		ours, theirs := sides(e, args)
		value = ours
		if len(args) == 4 {
			kinds = append(kinds, option{theirs.kind, theirs.pos})
		} else {
			choices = append(choices, option{theirs.value, theirs.pos})
		}
	}
	switch {
	case len(choices) == len(group) && len(choices) > 1:
		names := ordered(choices)
		p.Text = fmt.Sprintf("must be %s, not %s", oneOf(names), short(value.value))
		if near := Nearest(strings.Trim(value.value, `"`), unquoted(names)); near != "" {
			p.Remedy = fmt.Sprintf("did you mean %q?", near)
		}
	case len(kinds) == len(group):
		return t.mismatch(p, group, kinds, value)
	default:
		return false
	}
	return true
}

// mismatch describes a value that has none of the allowed types, or one inside of it that has not.
func (t *translator) mismatch(p *Problem, group []errors.Error, kinds []option, value side) bool {
	for _, e := range group {
		_, args := e.Msg()
		if ours, theirs := sides(e, args); !strings.HasPrefix(ours.value, "{") && strings.HasPrefix(value.value, "{") {
			p.Pos = ours.user(p.Pos)
			p.Text = fmt.Sprintf("must be %s, not %s", typeName(theirs.kind), short(ours.value))
			p.Remedy = unquoteHint(ours, theirs)
			return true
		}
	}
	names := ordered(kinds)
	for i, name := range names {
		names[i] = typeName(name)
	}
	p.Text = fmt.Sprintf("must be %s, not %s", list(names, "or"), short(value.value))
	if value.kind == "string" && slices.Contains(names, "a list") {
		p.Remedy = "put it in brackets: [" + value.value + "]"
	}
	return true
}

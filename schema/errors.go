package schema

import (
	"cmp"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/errors"
	"cuelang.org/go/cue/literal"
	"cuelang.org/go/cue/load"
	"cuelang.org/go/cue/token"
)

// translator turns what CUE reports into problems in the words of this house. CUE tells one mistake as several errors,
// names the line of the schema before that of the user, and speaks of disjunctions and bounds.
type translator struct {
	src   Source
	pack  *pack // nil for what failed before it was evaluated
	words vocabulary
	flat  bool // the file's fields are the user's fields, not kinds of objects
}

// naming is how many elements of a path name the object that a field belongs to.
func (t *translator) naming() int {
	if t.flat {
		return 0
	}
	return 2
}

// importPath is the package of the schema.
const importPath = "plumbline.internal/schema"

// rewrite translates what stopped the package of a directory from being built.
func rewrite(err error, src Source, dir string) []Problem {
	var several *load.MultiplePackageError
	if errors.As(err, &several) && len(several.Files) > 1 && len(several.Packages) > 1 {
		return []Problem{{
			Pos:    Pos{File: path.Join(dir, several.Files[1]), Line: 1, Col: 1},
			Text:   fmt.Sprintf("this directory holds two packages, %q and %q", several.Packages[0], several.Packages[1]),
			Remedy: "give all files of a directory the same package clause",
		}}
	}
	problems := (&translator{src: src}).translate(err)
	for i := range problems {
		if problems[i].Pos.IsZero() {
			problems[i].Pos = Pos{File: dir}
		}
	}
	return problems
}

// translate makes one problem of all errors about one field.
func (t *translator) translate(err error) []Problem {
	var order []string
	groups := map[string][]errors.Error{}
	for _, e := range errors.Errors(err) {
		key := strings.Join(e.Path(), "\x00")
		if len(e.Path()) == 0 {
			key = e.Position().String()
		}
		if groups[key] == nil {
			order = append(order, key)
		}
		groups[key] = append(groups[key], e)
	}
	var problems []Problem
	for _, key := range order {
		p := t.problem(groups[key])
		sameKind := func(other Problem) bool { return strings.HasPrefix(p.Text, "unknown kind") && other.Text == p.Text }
		if !slices.ContainsFunc(problems, sameKind) {
			problems = append(problems, p)
		}
	}
	return t.withoutEchoes(problems)
}

// withoutEchoes drops what is wrong with a field that takes its default from another one, where that one's own mistake is told.
func (t *translator) withoutEchoes(problems []Problem) []Problem {
	return slices.DeleteFunc(problems, func(p Problem) bool {
		return slices.ContainsFunc(problems, func(q Problem) bool {
			return p.Path != q.Path && p.Object == q.Object && p.Object != "" && p.Pos == q.Pos && t.writtenAt(q) && !t.writtenAt(p)
		})
	})
}

// writtenAt tells whether the value at a problem's position is written behind the name of its field.
func (t *translator) writtenAt(p Problem) bool {
	line := t.lineOf(p.Pos)
	if p.Pos.Col < 1 || p.Pos.Col > len(line) {
		return false
	}
	before := strings.TrimRight(line[:p.Pos.Col-1], " \t")
	name := strings.Trim(strings.TrimSuffix(before, ":"), `"`)
	last := p.Path[strings.LastIndex(p.Path, ".")+1:]
	return strings.HasSuffix(before, ":") && last != "" && strings.HasSuffix(name, last)
}

// problem describes the field that a group of errors is about.
func (t *translator) problem(group []errors.Error) Problem {
	path := fieldElements(group[0].Path())
	p := Problem{}
	if len(path) > 0 && (path[0][0] == '#' || path[0][0] == '_') {
		p.Pos = t.definitionPos(path[0])
		path = nil
	}
	if len(path) >= t.naming() {
		p.Path = strings.Join(path[t.naming():], ".")
	}
	if len(path) >= 2 && !t.flat {
		p.Object = MakeID(path[0], path[1])
	}
	for _, e := range group {
		for _, pos := range userPositions(e) {
			if !slices.Contains(p.Also, pos) {
				p.Also = append(p.Also, pos)
			}
		}
	}
	if len(p.Also) > 0 {
		p.Pos, p.Also = p.Also[0], p.Also[1:]
	} else if t.pack != nil && p.Object != "" && p.Pos.IsZero() {
		p.Pos = t.pack.position(p.Object, p.Path)
	}
	t.describe(&p, path, group)
	if p.Path != "" && !strings.HasPrefix(p.Text, "unknown ") && !strings.HasPrefix(p.Text, "missing ") {
		p.Text = p.Path + ": " + p.Text
	}
	return p
}

// describe sets the text and the remedy, and keeps the other positions only where they belong to the mistake.
func (t *translator) describe(p *Problem, path []string, group []errors.Error) {
	p.Also = nil
	alternatives := slices.DeleteFunc(slices.Clone(group), isDisjunction)
	own := slices.IndexFunc(alternatives, isOwnConflict)
	if own >= 0 && slices.ContainsFunc(alternatives, isBound) {
		// A default that stands for another field of the user's is no second value; the bound is the rule.
		_, args := mostTelling(alternatives).Msg()
		for _, pos := range userPositions(alternatives[own]) {
			if strings.HasPrefix(t.sourceAt(pos), arg(args, 0)) {
				p.Pos = pos
			}
		}
		own = -1
	}
	if own < 0 && len(alternatives) < len(group) && t.disjunction(p, alternatives) {
		return
	}
	e := mostTelling(alternatives)
	var also []Pos
	if own >= 0 {
		e = alternatives[own]
		positions := userPositions(e)
		p.Pos, also = positions[0], positions[1:]
	}
	format, args := e.Msg()
	switch {
	case strings.HasPrefix(format, "conflicting values"):
		t.conflict(p, path, e, args, also)
	case strings.HasPrefix(format, "invalid value"):
		t.invalid(p, path, e, args)
	case format == "field not allowed":
		t.unknownField(p, path)
	case strings.HasPrefix(format, "field is required"):
		t.missing(p, path)
	default:
		t.plain(p, e, format, args)
	}
}

// isDisjunction tells the headline over the reasons why each alternative failed.
func isDisjunction(e errors.Error) bool {
	format, _ := e.Msg()
	return strings.Contains(format, "empty disjunction")
}

// isBound tells a value beyond a bound, or of another form than asked for.
func isBound(e errors.Error) bool {
	format, _ := e.Msg()
	return strings.HasPrefix(format, "invalid value")
}

// isOwnConflict tells two values that the user wrote from one that the schema refuses.
func isOwnConflict(e errors.Error) bool {
	format, args := e.Msg()
	if !strings.HasPrefix(format, "conflicting values") || len(userPositions(e)) < 2 {
		return false
	}
	ours, theirs := sides(e, args)
	return !userPos(ours.pos).IsZero() && !userPos(theirs.pos).IsZero()
}

// mostTelling prefers the broken bound to the default that a value differs from: the bound is the rule.
func mostTelling(group []errors.Error) errors.Error {
	for _, e := range group {
		if format, _ := e.Msg(); !strings.HasPrefix(format, "conflicting values") {
			return e
		}
	}
	return group[0]
}

// conflict describes two values of one field that cannot both hold.
func (t *translator) conflict(p *Problem, path []string, e errors.Error, args []any, also []Pos) {
	ours, theirs := sides(e, args)
	switch {
	case len(args) == 4 && len(also) == 0:
		p.Text = fmt.Sprintf("must be %s, not %s", typeName(theirs.kind), short(t.asWritten(ours)))
		p.Remedy = unquoteHint(ours, theirs)
		if meaning := t.words.definition(path, e); meaning != "" {
			p.Text = fmt.Sprintf("%s is not %s", short(ours.value), meaning)
		}
	case len(also) > 0:
		p.Text = fmt.Sprintf("has two values, %s and %s", short(ours.value), short(theirs.value))
		p.Also, p.Remedy = also[:1], "keep one of them"
	default:
		p.Text = fmt.Sprintf("must be %s, not %s", short(theirs.value), short(ours.value))
	}
}

// number is how CUE writes one.
var number = regexp.MustCompile(`^[+-]?[0-9.][0-9a-zA-Z_.+-]*`)

// asWritten is a value as the user wrote it, where it is a number: CUE forgets an exponent beyond what it can compute with.
func (t *translator) asWritten(s side) string {
	if number.FindString(s.value) != s.value {
		return s.value
	}
	return cmp.Or(number.FindString(t.sourceAt(userPos(s.pos))), s.value)
}

func unquoteHint(ours, theirs side) string {
	if ours.kind == "string" && (theirs.kind == "int" || theirs.kind == "number" || theirs.kind == "bool") {
		return "write it without quotes"
	}
	if theirs.kind == "string" && (ours.kind == "int" || ours.kind == "number") {
		return fmt.Sprintf("write it in quotes: %q", ours.value)
	}
	return ""
}

// invalid describes a value beyond a bound or of another form than its definition asks for.
func (t *translator) invalid(p *Problem, path []string, e errors.Error, args []any) {
	value, bound := arg(args, 0), arg(args, 1)
	if def := t.words.definition(path, e); def != "" {
		p.Text, p.Remedy = fmt.Sprintf("%s is not %s", short(value), def), ""
		return
	}
	switch {
	case strings.HasPrefix(bound, "=~"):
		p.Text = fmt.Sprintf("%s does not have the form %s", short(value), strings.TrimPrefix(bound, "=~"))
	case strings.HasPrefix(bound, "!~"):
		p.Text = fmt.Sprintf("%s must not have the form %s", short(value), strings.TrimPrefix(bound, "!~"))
	case strings.HasPrefix(bound, "<="):
		p.Text = fmt.Sprintf("%s is too large: at most %s", short(value), bound[2:])
	case strings.HasPrefix(bound, ">="):
		p.Text = fmt.Sprintf("%s is too small: at least %s", short(value), bound[2:])
	case builtins[bound] != "":
		p.Text = fmt.Sprintf("%s is not %s", short(value), builtins[bound])
	default:
		p.Text = fmt.Sprintf("%s does not satisfy %s", short(value), bound)
	}
}

func (t *translator) missing(p *Problem, path []string) {
	field := path[len(path)-1]
	p.Text = fmt.Sprintf("missing field %q", joinPath(path[min(t.naming(), len(path)-1):]))
	p.Remedy = "add " + field
	if meaning := t.words.meaning(path); meaning != "" {
		p.Remedy += ": " + meaning
	} else if form := t.words.form(path); form != "" {
		p.Remedy += ": " + form
	}
}

func (t *translator) unknownField(p *Problem, path []string) {
	field := path[len(path)-1]
	known := t.words.fields(path[:len(path)-1])
	if kinds := t.words.fields(nil); !t.flat && !slices.Contains(kinds, path[0]) {
		field, known = path[0], kinds
		p.Object, p.Path = "", ""
		p.Text = fmt.Sprintf("unknown kind %q", field)
		p.Remedy = didYouMean(field, known, "a topology may hold "+list(known, "and")+"; helpers begin with _ or #")
		return
	}
	p.Text = fmt.Sprintf("unknown field %q", joinPath(path[min(t.naming(), len(path)-1):]))
	if slices.Contains(known, field) {
		p.Text = fmt.Sprintf("the definition used here does not allow the field %q", field)
		p.Remedy = "unify the definition with the schema's (#T: schema.#KIND & {…}), or let its name begin with _ instead of #"
		return
	}
	p.Remedy = "remove it"
	if len(known) > 0 {
		p.Remedy = didYouMean(field, known, "known here: "+list(known, "and"))
	}
}

// definitionPos is where the user's package has a definition or a hidden field.
func (t *translator) definitionPos(name string) Pos {
	if t.pack == nil {
		return Pos{}
	}
	for _, file := range t.pack.files {
		for _, decl := range file.Decls {
			if field, ok := decl.(*ast.Field); ok {
				if label, _, _ := ast.LabelName(field.Label); label == name {
					return userPos(field.Pos())
				}
			}
		}
	}
	return Pos{File: t.pack.dir}
}

// userPositions lists where in the topology an error has its cause.
func userPositions(e errors.Error) []Pos {
	var found []Pos
	for _, pos := range append([]token.Pos{e.Position()}, e.InputPositions()...) {
		if user := userPos(pos); !user.IsZero() && !slices.Contains(found, user) {
			found = append(found, user)
		}
	}
	return found
}

// fieldElements strips the definition of ours that is unified with, and the quotes of labels.
func fieldElements(path []string) []string {
	var elements []string
	for i, element := range path {
		if i == 0 && (element == "#Topology" || element == "#Controller") {
			continue
		}
		if plain, err := literal.Unquote(element); err == nil && strings.HasPrefix(element, `"`) {
			element = plain
		}
		elements = append(elements, element)
	}
	return elements
}

func arg(args []any, i int) string {
	if i < len(args) {
		return fmt.Sprint(args[i])
	}
	return ""
}

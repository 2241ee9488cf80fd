package schema

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"cuelang.org/go/cue/errors"
	"cuelang.org/go/cue/token"
)

// side is one of the two values that CUE found in conflict.
type side struct {
	value, kind string
	pos         token.Pos
}

func (s side) user(otherwise Pos) Pos {
	if pos := userPos(s.pos); !pos.IsZero() {
		return pos
	}
	return otherwise
}

// sides takes a conflict apart into what the user wrote and what stood against it. CUE gives values and positions in
// the same order, either first.
func sides(e errors.Error, args []any) (ours, theirs side) {
	a, b := side{value: arg(args, 0), kind: arg(args, 2)}, side{value: arg(args, 1), kind: arg(args, 3)}
	positions := e.InputPositions()
	if len(positions) > 0 {
		a.pos = positions[0]
	}
	if len(positions) > 1 {
		b.pos = positions[1]
	}
	if userPos(a.pos).IsZero() && !userPos(b.pos).IsZero() {
		return b, a
	}
	return a, b
}

// option is an allowed alternative and where the schema says so, which gives the alternatives their declared order.
type option struct {
	text string
	pos  token.Pos
}

func ordered(options []option) []string {
	slices.SortStableFunc(options, func(a, b option) int {
		return cmp.Or(cmp.Compare(a.pos.Line(), b.pos.Line()), cmp.Compare(a.pos.Column(), b.pos.Column()))
	})
	var names []string
	for _, o := range options {
		if !slices.Contains(names, o.text) {
			names = append(names, o.text)
		}
	}
	return names
}

func oneOf(names []string) string {
	if len(names) == 1 {
		return names[0]
	}
	return "one of " + strings.Join(names, ", ")
}

func unquoted(names []string) []string {
	plain := make([]string, len(names))
	for i, name := range names {
		plain[i] = strings.Trim(name, `"`)
	}
	return plain
}

// list joins words as a sentence does: "a, b and c".
func list(names []string, conjunction string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " " + conjunction + " " + names[last]
}

var typeNames = map[string]string{
	"int": "a whole number", "number": "a number", "float": "a number", "string": "a text in quotes", "bool": "true or false",
	"list": "a list", "struct": "a struct {…}", "null": "null", "bytes": "bytes",
}

// builtins are the validators of CUE's library that the schema may use without a definition of its own.
var builtins = map[string]string{
	"net.IP": "an IP address", "net.IPv4": "an IPv4 address", "net.IPv6": "an IPv6 address", "net.IPCIDR": "an address and a prefix length, such as 10.1.1.0/24",
	"net.FQDN": "a DNS name", "time.Duration": "a span of time, such as 60s",
}

// typeName is a type of CUE in plain words; "(int|string)" is "a whole number or a text".
func typeName(kind string) string {
	var names []string
	for _, part := range strings.Split(strings.Trim(kind, "()"), "|") {
		name, ok := typeNames[part]
		if !ok {
			name = part
		}
		names = append(names, name)
	}
	return list(names, "or")
}

// short keeps a value that is quoted in a message to a readable length.
func short(value string) string {
	const most = 80
	if runes := []rune(value); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return value
}

// joinPath is the inverse of splitPath.
func joinPath(elements []string) string {
	quoted := make([]string, len(elements))
	for i, element := range elements {
		if strings.ContainsAny(element, `."`) || element == "" {
			element = strconv.Quote(element)
		}
		quoted[i] = element
	}
	return strings.Join(quoted, ".")
}

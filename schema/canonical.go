package schema

import (
	"bytes"
	"slices"
)

// member is one field of a JSON object as it stands there: the name with its quotes, and the value.
type member struct{ name, value []byte }

// members cuts an object without white space into its fields, with no decoding. It tells whether it could: names with
// escapes and white space between tokens are left to encoding/json. What is within a value is not looked at but for its end.
func members(object []byte, into []member) ([]member, bool) {
	if len(object) < 2 || object[0] != '{' || object[len(object)-1] != '}' {
		return into, false
	}
	if len(object) == 2 {
		return into, true
	}
	for at := 1; ; at++ {
		name := stringEnd(object, at)
		if name < 0 || bytes.IndexByte(object[at:name], '\\') >= 0 || name >= len(object) || object[name] != ':' {
			return into, false
		}
		value := valueEnd(object, name+1)
		if value < 0 || value >= len(object) {
			return into, false
		}
		into = append(into, member{object[at:name], object[name+1 : value]})
		switch at = value; {
		case object[at] == '}':
			return into, at == len(object)-1
		case object[at] != ',':
			return into, false
		}
	}
}

// stringEnd is the place behind a string that begins at a place; -1 if none does.
func stringEnd(data []byte, at int) int {
	if at >= len(data) || data[at] != '"' {
		return -1
	}
	for i := at + 1; i < len(data); i++ {
		switch data[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return -1
}

// valueEnd is the place behind a value that begins at a place; -1 if that cannot be told.
func valueEnd(data []byte, at int) int {
	depth := 0
	for i := at; i < len(data); i++ {
		switch data[i] {
		case '"':
			if i = stringEnd(data, i) - 1; i < 0 {
				return -1
			}
		case '{', '[':
			depth++
			continue
		case '}', ']':
			if depth--; depth < 0 {
				return i
			}
		case ',':
			if depth == 0 {
				return i
			}
			continue
		case ' ', '\t', '\n', '\r':
			return -1
		default:
			continue
		}
		if depth == 0 {
			return i + 1
		}
	}
	return len(data)
}

// canonical appends a value as encoding/json writes it after decoding it: the fields of objects sorted. It tells whether
// it could: whatever would be written otherwise than it stands there is left to encoding/json.
func canonical(out, value []byte) ([]byte, bool) {
	switch {
	case len(value) == 0:
		return out, false
	case value[0] == '{':
		return canonicalObject(out, value)
	case value[0] == '[':
		return canonicalList(out, value)
	case value[0] == '"':
		return append(out, value...), stringEnd(value, 0) == len(value) && plain(value[1:len(value)-1])
	case string(value) == "true", string(value) == "false", string(value) == "null":
		return append(out, value...), true
	}
	return append(out, value...), plainNumber(value)
}

func canonicalObject(out, value []byte) ([]byte, bool) {
	var space [16]member
	fields, ok := members(value, space[:0])
	byName := func(a, b member) int { return bytes.Compare(a.name[:len(a.name)-1], b.name[:len(b.name)-1]) }
	if !slices.IsSortedFunc(fields, byName) {
		slices.SortFunc(fields, byName)
	}
	out = append(out, '{')
	for i, f := range fields {
		twice := i > 0 && bytes.Equal(f.name, fields[i-1].name)
		if !ok || twice || !plain(f.name[1:len(f.name)-1]) {
			return out, false
		}
		if i > 0 {
			out = append(out, ',')
		}
		out = append(append(out, f.name...), ':')
		if out, ok = canonical(out, f.value); !ok {
			return out, false
		}
	}
	return append(out, '}'), ok
}

func canonicalList(out, value []byte) (_ []byte, ok bool) {
	if value[len(value)-1] != ']' {
		return out, false
	}
	out = append(out, '[')
	for at := 1; at < len(value)-1; at++ {
		end := valueEnd(value, at)
		if end < 0 || end >= len(value) {
			return out, false
		}
		if out, ok = canonical(out, value[at:end]); !ok {
			return out, false
		}
		if at = end; at < len(value)-1 {
			if value[at] != ',' || at == len(value)-2 {
				return out, false
			}
			out = append(out, ',')
		}
	}
	return append(out, ']'), true
}

// plain tells whether encoding/json writes a string as it is.
func plain(text []byte) bool {
	for _, c := range text {
		if c < ' ' || c > '~' || c == '\\' || c == '"' || c == '<' || c == '>' || c == '&' {
			return false
		}
	}
	return true
}

// plainNumber tells whether a number is a whole one that a float64 holds, without a sign or an exponent.
func plainNumber(text []byte) bool {
	if len(text) > 15 || len(text) > 1 && text[0] == '0' {
		return false
	}
	for _, c := range text {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

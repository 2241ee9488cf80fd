package schema

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Pos is a place in a file of the topology. Line and Col count from 1; the zero Pos is unknown.
type Pos struct {
	File string `json:"file"`
	Line int    `json:"line"`
	Col  int    `json:"column"`
}

// IsZero tells whether the position is unknown.
func (p Pos) IsZero() bool { return p.File == "" }

// String is "file:line:column".
func (p Pos) String() string {
	switch {
	case p.IsZero():
		return "-"
	case p.Line == 0:
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Col)
}

// printable writes what would steer a terminal or break a line as it stands in Go: names and files are chosen by whoever
// pushes, and a mistake is read on a screen.
func printable(text string) string {
	var b strings.Builder
	for _, r := range text {
		if unicode.IsPrint(r) {
			b.WriteRune(r)
		} else {
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		}
	}
	return b.String()
}

// Compare orders positions as a compiler prints them.
func (p Pos) Compare(other Pos) int {
	return cmp.Or(strings.Compare(p.File, other.File), cmp.Compare(p.Line, other.Line), cmp.Compare(p.Col, other.Col))
}

// What is quoted of a commit may be of any length: mostText bounds the text of a problem, mostName what it is about, in bytes.
const (
	mostText = 1000
	mostName = 300
)

// harmless makes problems safe to show and to keep: their author chose names, and values that are quoted.
func (ps Problems) harmless() {
	for i := range ps {
		p := &ps[i]
		p.Pos.File, p.Object, p.Path = printable(p.Pos.File), ID(printable(shorten(string(p.Object), mostName))), printable(shorten(p.Path, mostName))
		p.Text, p.Remedy = printable(shorten(p.Text, mostText)), printable(shorten(p.Remedy, mostText))
		for k := range p.Also {
			p.Also[k].File = printable(p.Also[k].File)
		}
	}
}

func shorten(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + " …"
}

// Problem is one mistake in a topology: where, what, and what to do about it.
type Problem struct {
	Pos    Pos    `json:"pos"`
	Object ID     `json:"object,omitempty"`
	Path   string `json:"path,omitempty"` // of the field within the object, "disks.0.volume"; kinds set it, the loader turns it into Pos
	Text   string `json:"text"`           // what is wrong, lower case, no period
	Remedy string `json:"remedy,omitempty"`
	Also   []Pos  `json:"also,omitempty"` // the other end of a conflict
}

// String is one line as a compiler prints it, with the remedy after a semicolon.
func (p Problem) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: ", p.Pos)
	if p.Object != "" {
		fmt.Fprintf(&b, "%s: ", p.Object)
	}
	b.WriteString(p.Text)
	for _, also := range p.Also {
		fmt.Fprintf(&b, " (also %s)", also)
	}
	if p.Remedy != "" {
		b.WriteString("; " + p.Remedy)
	}
	return printable(b.String())
}

// Problems is all the mistakes of one load. It is an error.
type Problems []Problem

// Error is one line per problem.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// Sort orders problems by position and drops repetitions.
func (ps Problems) Sort() Problems {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(a.Pos.Compare(b.Pos), strings.Compare(string(a.Object), string(b.Object)), strings.Compare(a.Text, b.Text))
	})
	return slices.CompactFunc(ps, func(a, b Problem) bool { return a.Pos == b.Pos && a.Object == b.Object && a.Text == b.Text })
}

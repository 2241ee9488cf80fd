package preview

import (
	"strings"
	"unicode"
)

// Whatever comes from a repository or a host stands in a code span or in a fence: neither mentions, nor links, nor HTML,
// nor tables begin there. The span or fence is ended by more backticks than the value has in a row.

// plain takes out what moves a line or hides in it: control and bidirectional characters. What takes no room is shown.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		if unicode.Is(unicode.Cf, r) {
			return '�'
		}
		return r
	}, strings.ToValidUTF8(text, "�"))
}

// code is a value as a code span.
func code(text string) string {
	text = plain(text)
	if strings.TrimSpace(text) == "" {
		return ""
	}
	ticks := strings.Repeat("`", longest(text)+1)
	if len(ticks) > 1 || text[0] == ' ' || text[len(text)-1] == ' ' {
		text = " " + text + " "
	}
	return ticks + text + ticks
}

// cell is a code span in a table, where a bar ends the cell even within one.
func cell(text string) string { return strings.ReplaceAll(code(text), "|", `\|`) }

// word is a value in an HTML comment or text: what could end that is taken out.
func word(text string) string {
	return strings.ReplaceAll(strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune(":._-", r) {
			return r
		}
		return '_'
	}, text), "--", "__")
}

// longest is the longest run of backticks.
func longest(text string) (most int) {
	run := 0
	for _, r := range text {
		if r != '`' {
			run = 0
			continue
		}
		run++
		most = max(most, run)
	}
	return most
}

// Fenced is lines of values as Markdown that they cannot leave.
func Fenced(lines []string) string {
	var g page
	g.fence("", lines)
	return g.String()
}

// fence writes lines that stand as they are.
func (g *page) fence(kind string, lines []string) {
	most := 2
	for i := range lines {
		lines[i] = plain(lines[i])
		most = max(most, longest(lines[i]))
	}
	ticks := strings.Repeat("`", most+1)
	g.line("%s%s", ticks, kind)
	for _, line := range lines {
		g.line("%s", line)
	}
	g.line("%s", ticks)
}

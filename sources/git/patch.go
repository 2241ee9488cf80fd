package git

import (
	"fmt"
	"strings"
)

// around is how many lines of context a patch shows.
const around = 3

// Patch is the change of one file as "git apply" takes it; "" when nothing changes.
func Patch(name, old, text string) string {
	all, ok := hunks(old, text)
	if !ok {
		all = []hunk{{from: 0, to: len(lines(old)), lines: lines(text)}}
	}
	if len(all) == 0 {
		return ""
	}
	var out strings.Builder
	fmt.Fprintf(&out, "diff --git a/%s b/%s\n--- a/%s\n+++ b/%s\n", name, name, name, name)
	have, shift := lines(old), 0
	for len(all) > 0 {
		n := 1
		for n < len(all) && all[n].from-all[n-1].to <= 2*around {
			n++
		}
		shift += patchPart(&out, have, all[:n], shift)
		all = all[n:]
	}
	return out.String()
}

// patchPart writes changes that stand close together with the lines around them, and tells how many lines they add.
func patchPart(out *strings.Builder, have []string, part []hunk, shift int) (added int) {
	first, last := max(part[0].from-around, 0), min(part[len(part)-1].to+around, len(have))
	var body strings.Builder
	at := first
	for _, h := range part {
		patchLines(&body, " ", have[at:h.from])
		patchLines(&body, "-", have[h.from:h.to])
		patchLines(&body, "+", h.lines)
		at = h.to
		added += len(h.lines) - (h.to - h.from)
	}
	patchLines(&body, " ", have[at:last])
	before, after := last-first, last-first+added
	fmt.Fprintf(out, "@@ -%s +%s @@\n%s", span(first, before), span(first+shift, after), body.String())
	return added
}

func patchLines(out *strings.Builder, sign string, lines []string) {
	for _, line := range lines {
		out.WriteString(sign + line)
		if !strings.HasSuffix(line, "\n") {
			out.WriteString("\n\\ No newline at end of file\n")
		}
	}
}

// span is where lines stand, from 1; of none, the line before.
func span(first, count int) string {
	if count == 0 {
		return fmt.Sprintf("%d,0", first)
	}
	return fmt.Sprintf("%d,%d", first+1, count)
}

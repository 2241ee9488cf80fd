package git

import (
	"bytes"
	"slices"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/utils/diff"
	"github.com/sergi/go-diff/diffmatchpatch"
)

// hunk is a change: lines from to to of the old text become others.
type hunk struct {
	from, to int
	lines    []string
}

// mostCompare bounds one comparison; what is not compared by then is one change.
const mostCompare = 2 * time.Second

// merge3 merges two changes of a text by lines, as diff3(1) does. Changes that touch each other are none that can be merged, unless they
// are the same.
func merge3(old, ours, theirs []byte) (text []byte, ok bool) {
	for _, t := range [][]byte{old, ours, theirs} {
		if bytes.IndexByte(t, 0) >= 0 {
			return nil, false // it is no text
		}
	}
	a, fine := hunks(string(old), string(ours))
	b, good := hunks(string(old), string(theirs))
	if !fine || !good {
		return nil, false
	}
	lines, out, at := lines(string(old)), strings.Builder{}, 0
	for len(a) > 0 || len(b) > 0 {
		var next hunk
		switch {
		case len(a) > 0 && len(b) > 0 && equal(a[0], b[0]):
			next, a, b = a[0], a[1:], b[1:]
		case len(b) == 0 || len(a) > 0 && a[0].to < b[0].from:
			next, a = a[0], a[1:]
		case len(a) == 0 || b[0].to < a[0].from:
			next, b = b[0], b[1:]
		default:
			return nil, false
		}
		for _, line := range slices.Concat(lines[at:next.from], next.lines) {
			out.WriteString(line)
		}
		at = next.to
	}
	for _, line := range lines[at:] {
		out.WriteString(line)
	}
	return []byte(out.String()), true
}

func equal(a, b hunk) bool { return a.from == b.from && a.to == b.to && slices.Equal(a.lines, b.lines) }

// lines parts a text behind each newline.
func lines(text string) []string {
	all := strings.SplitAfter(text, "\n")
	if all[len(all)-1] == "" {
		all = all[:len(all)-1]
	}
	return all
}

// hunks are the changes from one text to another, in order. It tells whether they are those: the comparison is another's.
func hunks(old, text string) (out []hunk, ok bool) {
	diffs := diff.DoWithTimeout(old, text, mostCompare)
	if diff.Src(diffs) != old || diff.Dst(diffs) != text {
		return nil, false
	}
	at, open := 0, false
	for _, d := range diffs {
		these := lines(d.Text)
		if d.Type == diffmatchpatch.DiffEqual {
			at, open = at+len(these), false
			continue
		}
		if !open {
			out, open = append(out, hunk{from: at, to: at}), true
		}
		last := &out[len(out)-1]
		if d.Type == diffmatchpatch.DiffInsert {
			last.lines = append(last.lines, these...)
			continue
		}
		at += len(these)
		last.to = at
	}
	return out, true
}

package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"unicode"
	"unicode/utf8"
)

// console is standard output or error. What hosts, forges and repositories say steers no terminal, wherever it comes by: control
// characters, and those that turn or hide text, are shown as �. A write that failed is not forgotten.
type console struct {
	file  *os.File
	exact func() bool // every byte counts, as in a patch or in JSON that goes to a program

	mu   sync.Mutex
	rest []byte // of a character or a colour that is not written in one piece
	err  error
}

// colours are those of plans and logs.
var colours = regexp.MustCompile(`\x1b\[(0|1|2|3[1-6]|90|1;31)?m`)

// Write implements io.Writer.
func (c *console) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	told := p
	if !c.exact() {
		told = append(c.rest, p...)
		whole := len(told) - unfinished(told)
		told, c.rest = tame(told[:whole]), slices.Clone(told[whole:])
	}
	if _, err := c.file.Write(told); err != nil {
		c.err = cmp.Or(c.err, err)
		return 0, err
	}
	return len(p), nil
}

// failed is why not all was written; a reader that has enough is no failure.
func (c *console) failed() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil || errors.Is(c.err, syscall.EPIPE) {
		return nil
	}
	return fmt.Errorf("cannot write all of the answer: %w", c.err)
}

// begun is a colour that is not all there yet.
var begun = regexp.MustCompile(`\x1b(\[[0-9;]{0,4})?$`)

// unfinished is how many bytes at the end belong to a character or a colour whose rest is still to come.
func unfinished(p []byte) int {
	if at := begun.FindIndex(p[max(0, len(p)-6):]); at != nil {
		return at[1] - at[0]
	}
	for n := 1; n <= min(utf8.UTFMax, len(p)); n++ {
		if last := p[len(p)-n:]; utf8.RuneStart(last[0]) {
			if utf8.FullRune(last) {
				return 0
			}
			return n
		}
	}
	return 0
}

// tame replaces what is no text, but for colours.
func tame(p []byte) []byte {
	plain := true
	for _, b := range p {
		plain = plain && (b >= ' ' && b < 0x7f || b == '\n' || b == '\t')
	}
	if plain {
		return p
	}
	var out strings.Builder
	for len(p) > 0 {
		end, next := len(p), len(p)
		if at := colours.FindIndex(p); at != nil {
			end, next = at[0], at[1]
		}
		out.WriteString(strings.Map(func(r rune) rune {
			if r == '\n' || r == '\t' {
				return r
			}
			return visible(r)
		}, string(p[:end])))
		out.Write(p[end:next])
		p = p[next:]
	}
	return []byte(out.String())
}

// screen takes out of a value what would move on a terminal, or hide there. It is one line afterwards.
func screen(text string) string { return strings.Map(visible, text) }

func visible(r rune) rune {
	if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
		return '�'
	}
	return r
}

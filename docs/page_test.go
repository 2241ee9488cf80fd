package docs

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// block is one fenced piece of a page. The first word behind the backquotes says what it is, the others how it is tested:
//
//	cue             a whole topology: it loads without a mistake
//	cue fragment    objects: they load in the frame testdata/frame.cue
//	cue controller  a controller's own file
//	cue schema      a file of schema/, word for word
//	sh              commands: all of a page run in order in one shell, in an empty directory with bin/plumb and examples/
//	sh lab          the same, on a page that needs root and the laboratory
//	sh exits=N      the last command ends with exit code N
//	sh make         targets of the Makefile, which are looked up and not run
//	text            right behind sh: what the commands print, but for what differs from run to run; a line … stands for any
//	                number of lines. Elsewhere: free
//	mermaid         free
type block struct {
	page string // file, relative to the root of the repository
	line int    // of the opening backquotes
	info []string
	text string
}

func (b block) is(words ...string) bool {
	return b.info[0] == words[0] && (len(words) == 1 || slices.Contains(b.info, words[1]))
}

func (b block) String() string { return fmt.Sprintf("%s:%d", b.page, b.line) }

// exits is the exit code that the block's last command is to end with.
func (b block) exits() int {
	for _, word := range b.info {
		if n, ok := strings.CutPrefix(word, "exits="); ok {
			code, _ := strconv.Atoi(n)
			return code
		}
	}
	return 0
}

// pages are README.md and all pages below docs.
func pages(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, pattern := range []string{"../README.md", "*.md", "*/*.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("no page matches %s (%v)", pattern, err)
		}
		all = append(all, found...)
	}
	return all
}

func read(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// blocks finds the fenced blocks of a page in order.
func blocks(t *testing.T, file string) []block {
	t.Helper()
	var all []block
	var open *block
	for i, line := range strings.Split(read(t, file), "\n") {
		fence, info, ok := strings.Cut(line, "```")
		switch {
		case ok && fence == "" && open == nil:
			words := strings.Fields(info)
			if len(words) == 0 {
				t.Fatalf("%s:%d: a block without a language", file, i+1)
			}
			open = &block{page: file, line: i + 1, info: words}
		case ok && fence == "" && open != nil:
			all, open = append(all, *open), nil
		case open != nil:
			open.text += line + "\n"
		}
	}
	if open != nil {
		t.Fatalf("%s: the block is never closed", open)
	}
	return all
}

func TestBlocksAreOfKnownKinds(t *testing.T) {
	known := regexp.MustCompile(`^(cue( fragment| controller| policy| schema)?|sh( lab)?( exits=[0-9]+)?|sh make|text|mermaid|go|yaml( \S+)?)$`)
	for _, file := range pages(t) {
		for _, b := range blocks(t, file) {
			if info := strings.Join(b.info, " "); !known.MatchString(info) {
				t.Errorf("%s: nobody tests a block %q", b, info)
			}
		}
	}
}

var (
	mdLink   = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	fenced   = regexp.MustCompile("(?ms)^```.*?^```")
	nonwords = regexp.MustCompile(`[^a-z0-9 _-]`)
)

// anchors are the places of a page that a link can lead to, named as forges name them.
func anchors(text string) []string {
	var all []string
	for line := range strings.Lines(fenced.ReplaceAllString(text, "")) {
		if title := strings.TrimLeft(line, "#"); title != line {
			title = nonwords.ReplaceAllString(strings.ToLower(strings.TrimSpace(title)), "")
			all = append(all, strings.ReplaceAll(title, " ", "-"))
		}
	}
	return all
}

func TestLinksLeadSomewhere(t *testing.T) {
	for _, file := range pages(t) {
		for _, found := range mdLink.FindAllStringSubmatch(fenced.ReplaceAllString(read(t, file), ""), -1) {
			target, anchor, _ := strings.Cut(found[1], "#")
			if strings.Contains(target, "://") {
				continue
			}
			path := filepath.Join(filepath.Dir(file), target)
			if target == "" {
				path = file
			}
			if _, err := os.Stat(path); err != nil {
				t.Errorf("%s: the link to %s leads nowhere", file, found[1])
			} else if anchor != "" && !slices.Contains(anchors(read(t, path)), anchor) {
				t.Errorf("%s: %s has no heading %q", file, path, anchor)
			}
		}
	}
}

// Whoever lists the documents finds each of them.
func TestEveryPageIsLinkedFromREADME(t *testing.T) {
	readme := read(t, "../README.md")
	for _, file := range pages(t) {
		if name := "docs/" + file; filepath.Dir(file) == "." && !strings.Contains(readme, "]("+name+")") {
			t.Errorf("README.md does not link %s", name)
		}
	}
}

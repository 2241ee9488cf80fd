package main

import (
	"bytes"
	"io"
	"strings"
)

// output searches what the command prints, line by line, and passes it on, but for what tests print that pass: that of a package is kept until
// "ok" or "FAIL" ends it.
type output struct {
	seen *sightings
	to   io.Writer
	line []byte
	kept bytes.Buffer
}

// Write takes in a piece.
func (o *output) Write(p []byte) (int, error) {
	o.line = append(o.line, p...)
	for {
		i := bytes.IndexByte(o.line, '\n')
		if i < 0 {
			return len(p), nil
		}
		o.take(o.line[:i+1])
		o.line = o.line[i+1:]
	}
}

func (o *output) take(line []byte) {
	o.seen.search(line, "output: %.60q …", line)
	text := string(line)
	switch {
	case strings.HasPrefix(text, "ok  \t"), strings.HasPrefix(text, "?   \t"):
		o.kept.Reset()
		o.to.Write(line)
	case strings.HasPrefix(text, "=== "), strings.HasPrefix(text, "--- "), strings.HasPrefix(text, "    "), o.kept.Len() > 0:
		o.kept.Write(line)
		if strings.HasPrefix(text, "FAIL") {
			o.show()
		}
	default:
		o.to.Write(line)
	}
}

func (o *output) show() {
	o.to.Write(o.kept.Bytes())
	o.kept.Reset()
}

// flush shows what is left at the end.
func (o *output) flush() {
	o.seen.search(o.line, "output: the last line")
	o.show()
	o.to.Write(o.line)
}

package main

import (
	"os"
	"path/filepath"
	"testing"
)

// consoled is what a console wrote of some pieces.
func consoled(t *testing.T, exact bool, pieces ...string) string {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	c := &console{file: file, exact: func() bool { return exact }}
	for _, piece := range pieces {
		if n, err := c.Write([]byte(piece)); err != nil || n != len(piece) {
			t.Fatalf("%d, %v", n, err)
		}
	}
	data, err := os.ReadFile(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestNothingThatIsToldSteersATerminal(t *testing.T) {
	for _, c := range []struct{ say, told, want string }{
		{"plain text", "a\tb\n", "a\tb\n"},
		{"letters of any script", "größe → 64Mi\n", "größe → 64Mi\n"},
		{"colours of ours", "\x1b[1;31mx\x1b[0m", "\x1b[1;31mx\x1b[0m"},
		{"hidden text", "\x1b[8mrm -rf\x1b[0m", "�[8mrm -rf\x1b[0m"},
		{"a title, and a cleared screen", "\x1b]0;owned\x07\x1b[2J", "�]0;owned��[2J"},
		{"a line written over", "failed\rdone", "failed�done"},
		{"eight-bit control", "a\u009b2Jb", "a�2Jb"},
		{"right to left", "a\u202eb\u2066c", "a�b�c"},
		{"no room", "pay\u200broll\ufeff", "pay�roll�"},
	} {
		if got := consoled(t, false, c.told); got != c.want {
			t.Errorf("%s: %q, want %q", c.say, got, c.want)
		}
		var pieces []string
		for i := range []byte(c.told) {
			pieces = append(pieces, c.told[i:i+1])
		}
		if got := consoled(t, false, pieces...); got != c.want {
			t.Errorf("%s, byte by byte: %q, want %q", c.say, got, c.want)
		}
		if got := consoled(t, true, c.told); got != c.told {
			t.Errorf("%s, exactly: %q", c.say, got)
		}
	}
}

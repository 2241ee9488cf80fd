package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Whatever a child says: no panic, and a report that is understood can be said again.
func FuzzReport(f *testing.F) {
	ended, _ := report{Ended: true, Dir: "a", Objects: []Declaration{{ID: "box/x", Dir: "a", Pos: Pos{"a/x.cue", 3, 4}, Spec: json.RawMessage(`{"a":1}`)}}}.encode()
	last, _ := report{Evaluation: &Evaluation{Problems: []Problem{{Text: "t"}}, Found: []Pos{{}}}, Spent: true}.encode()
	for _, data := range [][]byte{ended, last, {0}, {endOf, 0xff, 0xff, 0xff, 0xff, 0x7f}} {
		var framed bytes.Buffer
		_ = writeFrame(&framed, data)
		f.Add(framed.Bytes())
	}
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := readReport(bytes.NewReader(data))
		if err != nil {
			return
		}
		if again, err := r.encode(); err == nil {
			var back report
			if err := back.decode(again); err != nil {
				t.Errorf("%+v cannot be said again: %v", r, err)
			}
		}
	})
}

// Whatever lies on a shelf: no panic, and nothing but what was put there is taken off it.
func FuzzShelf(f *testing.F) {
	r := &result{objects: []Declaration{{ID: "box/x", Dir: "a", Pos: Pos{"a/x.cue", 3, 4}, Spec: json.RawMessage(`{"a":1}`)}}, warnings: []Problem{{Text: "t"}}}
	f.Add(encodeResult(r), []byte("x y\n"))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0x0f}, []byte(shortSum("{}\n")+" {}\n"))
	f.Fuzz(func(t *testing.T, payload, headers []byte) {
		if r := decodeResult(payload); r != nil && decodeResult(encodeResult(r)) == nil {
			t.Errorf("%+v cannot be put", r)
		}
		s := &shelf{dir: t.TempDir()}
		for name, data := range map[string][]byte{"key": payload, headersName(): headers} {
			if err := os.WriteFile(filepath.Join(s.dir, name), data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if r := s.get("key"); r != nil && !bytes.HasPrefix(payload, []byte(shelfMagic)) {
			t.Errorf("%q was taken for a result", payload)
		}
		s.headers()
	})
}

// Sizes, instances, facts and names: no panic, and the text of what was read reads as the same.
func FuzzWords(f *testing.F) {
	for _, text := range []string{"64Mi", "9223372036854775807", "8Ei", "-1", "vm/x@h", "addr/public/203.0.113.3", "*.a.b", "a//b@@", ""} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if n, err := ParseSize(text); err == nil {
			if again, err := ParseSize(FormatSize(n)); n < 0 || err != nil || again != n {
				t.Errorf("size %q is %d, then %d, %v", text, n, again, err)
			}
		}
		if i := ParseInstance(text); strings.Count(text, "@") < 2 && ParseInstance(i.String()) != i {
			t.Errorf("instance %q is %q", text, i)
		}
		if fact := parseFact(text); parseFact(fact.String()) != fact {
			t.Errorf("fact %q is %q", text, fact)
		}
		ValidName(text)
	})
}

// The controller's file: no panic, and every mistake has a place in it and words.
func FuzzController(f *testing.F) {
	for _, text := range []string{`repository: "/srv/dc.git"`, `repository: 1`, `repostory: "x"`, `limits: destroys: -1`, "a: {", "{", `repository: "\(x)"`, "x: x"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<10 || bytes.ContainsAny(data, "[") && bytes.Contains(data, []byte("for")) {
			return // its writer is trusted: comprehensions may take as long as they want
		}
		var into map[string]any
		var problems Problems
		if err := LoadController(t.Context(), "plumb.cue", data, &into); errors.As(err, &problems) {
			for _, p := range problems {
				if p.Pos.File != "plumb.cue" || p.Text == "" {
					t.Errorf("problem %+v", p)
				}
			}
		}
	})
}

package plan_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"plumbline/reconcile/plan"
)

// A plan in a file: no panic, and one that is read can be written and shown.
func FuzzRead(f *testing.F) {
	data, err := os.ReadFile("testdata/payroll.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	for _, text := range []string{`{"format_version":"1.0","changes":[null]}`, `{"format_version":"1.0","steps":[{}],"changes":[{}]}`, `{"head":{}}{"change":{}}{"step":{}}{"lane":{}}`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if p, err := plan.Open(bytes.NewReader(data)); err == nil {
			mayBeShown(t, p)
		}
		p, err := plan.ReadLines(bytes.NewReader(data))
		if err != nil {
			return
		}
		mayBeShown(t, p)
		var again bytes.Buffer
		if err := p.WriteLines(&again); err != nil {
			t.Fatal(err)
		}
		if _, err := plan.ReadLines(&again); err != nil {
			t.Errorf("cannot be read again: %v", err)
		}
	})
}

// mayBeShown writes a plan as text, in which nothing steers a terminal.
func mayBeShown(t *testing.T, p *plan.Plan) {
	t.Helper()
	for _, write := range []func(*bytes.Buffer) error{
		func(b *bytes.Buffer) error { return p.WriteText(b, plan.Style{}) },
		func(b *bytes.Buffer) error { return p.WriteMermaid(b) },
	} {
		var text bytes.Buffer
		if err := write(&text); err != nil {
			t.Fatal(err)
		}
		if strings.ContainsAny(text.String(), "\x1b\r\x07") {
			t.Errorf("the text steers a terminal: %q", text.String())
		}
	}
}

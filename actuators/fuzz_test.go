package actuators_test

import (
	"strings"
	"testing"

	"plumbline/actuators"
)

// Marks stand in comments, aliases and first lines that anybody may have written.
func FuzzParseMark(f *testing.F) {
	f.Add("plumb:i:vm/x:h")
	f.Add("x plumb::: plumb:a:/:")
	f.Fuzz(func(t *testing.T, text string) {
		if m := actuators.ParseMark(text); m != nil && !strings.Contains(text, m.String()) {
			t.Errorf("%q gives the mark %q", text, m)
		}
	})
}

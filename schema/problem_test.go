package schema_test

import (
	"testing"

	"plumbline/schema"
)

func TestAProblemSteersNoTerminal(t *testing.T) {
	p := schema.Problem{Pos: schema.Pos{File: "a.cue", Line: 1, Col: 2}, Object: "host/x\x1b[31m\n\u202ey", Text: "é is not a name"}
	if got, want := p.String(), `a.cue:1:2: host/x\x1b[31m\n\u202ey: é is not a name`; got != want {
		t.Errorf("%q\nwant %q", got, want)
	}
}

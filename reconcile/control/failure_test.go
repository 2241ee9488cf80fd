package control

import (
	"errors"
	"testing"

	"plumbline/schema"
)

func TestTheCountOfMistakesCrossesTheSocket(t *testing.T) {
	first := schema.Problems{{Pos: schema.Pos{File: "a.cue", Line: 1, Col: 1}, Text: "wrong"}}
	for name, err := range map[string]error{"few": first, "many": &schema.TooMany{First: first, More: 99_950}} {
		var r Reply
		r.fail(err)
		if got := r.failure(); got.Error() != err.Error() || !errors.As(got, new(schema.Problems)) {
			t.Errorf("%s: got %q, want %q", name, got, err)
		}
	}
}

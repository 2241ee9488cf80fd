package volume

import "testing"

func TestAChangedOriginIsRemarkedOn(t *testing.T) {
	was, now := Spec{From: "tiny"}, Spec{From: "other"}
	if got := remarks(was, now, true); len(got) != 1 {
		t.Errorf("a changed origin of a disk that is there: %q", got)
	}
	if got := remarks(was, was, true); got != nil {
		t.Errorf("an equal origin: %q", got)
	}
	if got := remarks(was, now, false); got != nil {
		t.Errorf("a disk that is not there and is made anew: %q", got)
	}
}

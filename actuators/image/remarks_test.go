package image

import "testing"

func TestAnImageThatIsLeftBehindIsRemarkedOn(t *testing.T) {
	was, now := Spec{Dir: "/images"}, Spec{Dir: "/other"}
	if got := remarks(was, now, false); len(got) != 1 {
		t.Errorf("another directory: %q", got)
	}
	if got := remarks(was, Spec{Dir: "/images/"}, false); got != nil {
		t.Errorf("the same directory: %q", got)
	}
}

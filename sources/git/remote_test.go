package git

import (
	"context"
	"testing"
	"time"

	"plumbline/sources"
)

// The end of a talk cancels its context: who waited for both may see the second first.
func TestATalkThatEndedIsNotUnreachable(t *testing.T) {
	r := &remote{config: Config{Intake: sources.Intake{Time: time.Minute}}, busy: make(chan struct{}, 1)}
	for range 200_000 {
		if err := r.converse(t.Context(), func(context.Context) error { return nil }); err != nil {
			t.Fatal(err)
		}
	}
}

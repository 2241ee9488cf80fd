package address

import (
	"context"
	"errors"
	"strings"
	"testing"

	"plumbline/actuators"
	"plumbline/actuators/internal/kindtest"
)

// Somebody takes the address between the look and the move: the move fails, and its undo must not take it away.
func TestUndoOfAMoveThatNeverBeganLeavesWhatAppeared(t *testing.T) {
	within(t, func(b kindtest.Bench) {
		b.Apply(&Spec{Interface: "eth1", Address: "10.1.1.3/24"}, false)
		step := b.Plan(&Spec{Interface: "eth1", Address: "10.1.1.4/24"}, false)[0]
		op, _ := Kind.Op(step.Op)
		before, err := op.Capture(context.Background(), b.Host, step.Params)
		if err != nil {
			t.Fatal(err)
		}
		sh(t, "ip addr add 10.1.1.4/24 dev eth1")
		if err := op.Do(context.Background(), b.Host, step.Params, before); !errors.Is(err, actuators.ErrForeign) {
			t.Fatalf("got %v", err)
		}
		b.Undo([]kindtest.Done{{Step: step, Before: before}})
		if out := world(t); !strings.Contains(out, "10.1.1.4") || !strings.Contains(out, "10.1.1.3") {
			t.Errorf("after the undo:\n%s", out)
		}
	})
}

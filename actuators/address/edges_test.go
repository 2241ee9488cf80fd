package address

import (
	"context"
	"errors"
	"strings"
	"testing"

	"plumbline/actuators"
	"plumbline/actuators/internal/kindtest"
)

// The last address of an interface takes its routes along, be it for an instant: a host would lose its way out by a change
// of its address, and not get it back by the undo.
func TestRoutesSurviveAMoveAndComeBackWithAnUndo(t *testing.T) {
	within(t, func(b kindtest.Bench) {
		first := &Spec{Interface: "eth1", Address: "10.1.1.3/24"}
		b.Apply(first, false)
		sh(t, "ip route add default via 10.1.1.1; ip route add 10.7.0.0/16 via 10.1.1.254 metric 7; ip route add 10.8.0.0/16 nexthop via 10.1.1.7 nexthop via 10.1.1.8")
		routes := func() string { return sh(t, "ip route | grep -v 'proto kernel' || true") }
		before := routes()
		done := b.Apply(&Spec{Interface: "eth1", Address: "10.1.1.4/24"}, false)
		same(t, "a move within the network", before, routes())
		b.Undo(done)
		same(t, "its undo", before, routes())
		done = b.Apply(&Spec{Interface: "eth1", Address: "10.5.1.4/24"}, false)
		b.Undo(done)
		same(t, "the undo of a move to another network", before, routes())
		done = b.Apply(first, true)
		b.Undo(done)
		same(t, "the undo of a removal", before, routes())
	})
}

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

package address

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"plumbline/actuators"
	"plumbline/actuators/internal/kindtest"
	host "plumbline/reconcile/exec"
	"plumbline/schema"
	"plumbline/testenv/lab"
)

func within(t *testing.T, body func(b kindtest.Bench)) {
	t.Helper()
	cards := lab.WithNICs(lab.NIC{Name: "eth1", Segment: "a"}, lab.NIC{Name: "eth2", Segment: "b"})
	lab.Within(t, func() {
		sh(t, "ip link set eth1 down; ip addr add 10.9.0.9/24 dev eth2")
		body(kindtest.Bench{T: t, Kind: Kind, Host: host.NewMachine("host1", host.Dirs{}), At: schema.ID("address/app").On("host1")})
	}, cards)
}

func sh(t *testing.T, script string) string {
	t.Helper()
	out, err := exec.Command("sh", "-ec", script).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return string(out)
}

// world is all addresses and records, and which interfaces are on.
func world(t *testing.T) string {
	t.Helper()
	return sh(t, `ip -j addr | jq -r 'sort_by(.ifname)[] | [.ifname, (.flags | index("UP") != null), [.addr_info[] | select(.scope == "global") | .local, .prefixlen, .label, .broadcast]] | tostring'
		cat /var/lib/plumb/address/* 2>/dev/null || true`)
}

func same(t *testing.T, what, before, after string) {
	t.Helper()
	if before != after {
		t.Errorf("%s: before:\n%s\nafter:\n%s", what, before, after)
	}
}

func TestAddMoveRemoveAndAllTheWayBack(t *testing.T) {
	within(t, func(b kindtest.Bench) {
		states := []string{world(t)}
		var ran [][]kindtest.Done
		for _, s := range []*Spec{
			{Interface: "eth1", Address: "10.1.1.3/24"},
			{Interface: "eth1", Address: "10.1.1.4/24"}, // within the same network: the kernel would take the second with the first
			{Interface: "eth1", Address: "10.1.1.4/16"},
			{Interface: "eth2", Address: "10.1.1.4/16"},
			nil,
		} {
			if s == nil {
				ran = append(ran, b.Apply(&Spec{Interface: "eth2", Address: "10.1.1.4/16"}, true))
			} else {
				ran = append(ran, b.Apply(s, false))
				b.Settled(s)
				if out := sh(t, "ip -4 -o addr show dev "+s.Interface+" up"); !strings.Contains(out, s.Address) {
					t.Errorf("%s is not on %s: %s", s.Address, s.Interface, out)
				}
			}
			states = append(states, world(t))
		}
		for i := len(ran) - 1; i >= 0; i-- {
			b.Undo(ran[i])
			same(t, "undo", states[i], world(t))
		}
	})
}

func TestOtherAddressesStay(t *testing.T) {
	within(t, func(b kindtest.Bench) {
		s := &Spec{Interface: "eth2", Address: "10.1.1.3/24"}
		b.Apply(s, false)
		sh(t, "ip addr add 10.1.1.77/24 dev eth2 label eth2:x")
		before := world(t)
		removed := b.Apply(s, true)
		if out := world(t); !strings.Contains(out, `"10.1.1.77",24,"eth2:x","10.1.1.255"`) || strings.Contains(out, "10.1.1.3") {
			t.Errorf("after removal:\n%s", out)
		}
		b.Undo(removed)
		if b.Settled(s); !strings.Contains(world(t), "10.1.1.77") {
			t.Errorf("before:\n%s\nafter:\n%s", before, world(t))
		}
	})
}

func TestUndoAfterHalf(t *testing.T) {
	within(t, func(b kindtest.Bench) {
		s := &Spec{Interface: "eth1", Address: "10.1.1.3/24"}
		clean := world(t)
		step := b.Plan(s, false)[0]
		op, _ := Kind.Op("add")
		r := &record{Mark: b.Subject().Mark, Place: s.place()}
		for _, half := range []string{"true", "ip addr add 10.1.1.3/24 dev eth1", "ip addr add 10.1.1.3/24 dev eth1; ip link set eth1 up"} {
			before, err := op.Capture(context.Background(), b.Host, step.Params)
			if err != nil {
				t.Fatal(err)
			}
			b.Undo([]kindtest.Done{{Step: step, Before: before}})
			same(t, "nothing was done", clean, world(t))
			if err := writeRecord(b.Host, b.At.ID, r); err != nil {
				t.Fatal(err)
			}
			sh(t, half)
			b.Undo([]kindtest.Done{{Step: step, Before: before}})
			same(t, half, clean, world(t))
		}
	})
}

func TestSabotageIsSeenAndMended(t *testing.T) {
	within(t, func(b kindtest.Bench) {
		s := &Spec{Interface: "eth1", Address: "10.1.1.3/24"}
		b.Apply(s, false)
		whole := world(t)
		for script, action := range map[string]actuators.Action{
			"ip link set eth1 down":               actuators.Update,
			"ip addr del 10.1.1.3/24 dev eth1":    actuators.Create,
			"ip addr flush dev eth1":              actuators.Create,
			"ip addr del 10.1.1.3/24 dev eth1; :": actuators.Create,
		} {
			sh(t, script)
			broken := world(t)
			if d := b.Diff(s, false); d.Action != action {
				t.Errorf("%s: seen as %s, want %s", script, d.Action, action)
			}
			done := b.Apply(s, false)
			same(t, script+", mended", whole, world(t))
			b.Undo(done)
			same(t, script+", undone", broken, world(t))
			b.Apply(s, false)
		}
	})
}

func TestForeignIsLeftAlone(t *testing.T) {
	within(t, func(b kindtest.Bench) {
		s := &Spec{Interface: "eth1", Address: "10.9.0.9/24"} // the host has it on eth2
		step := actuators.NewStep("add", params{Mark: b.Subject().Mark, Place: s.place()}, "")
		before := world(t)
		if have := b.Have(s); have.Here == nil || have.Owned {
			t.Errorf("seen as %+v", have)
		}
		if _, err := b.Try(step); !errors.Is(err, actuators.ErrForeign) || !strings.Contains(err.Error(), "10.9.0.9/24 on eth2") {
			t.Errorf("got %v, want foreign", err)
		}
		if err := b.UndoOne(kindtest.Done{Step: step}); err != nil {
			t.Error(err)
		}
		same(t, "foreign", before, world(t))
		adopted, err := b.Try(b.Plan(s, false)[0])
		if have := b.Have(s); err != nil || !have.Owned {
			t.Errorf("not adopted: %+v, %v", have, err)
		}
		b.Undo([]kindtest.Done{adopted})
		same(t, "adopted and undone", before, world(t))
		all, err := Kind.Observe(context.Background(), b.Host, actuators.Scope{All: true})
		if err != nil || len(all) != 1 || all[0].ID != "address/eth2-10.9.0.9" || all[0].Mark != nil {
			t.Errorf("the whole kind: %+v, %v", all, err)
		}
	})
}

func TestBrokenRecordIsNoAnswer(t *testing.T) {
	within(t, func(b kindtest.Bench) {
		s := &Spec{Interface: "eth1", Address: "10.1.1.3/24"}
		b.Apply(s, false)
		if err := os.WriteFile(recordPath(b.Host, b.At.ID), []byte("{"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Look(s); err == nil {
			t.Error("a broken record was taken for an answer")
		}
	})
}

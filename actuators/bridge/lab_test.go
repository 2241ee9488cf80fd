package bridge

import (
	"context"
	"errors"
	"os/exec"
	"strings"
	"testing"
	"time"

	"plumbline/actuators"
	"plumbline/actuators/internal/kindtest"
	"plumbline/actuators/internal/link"
	host "plumbline/reconcile/exec"
	"plumbline/schema"
	"plumbline/testenv/lab"
)

func within(t *testing.T, body func(b kindtest.Bench)) {
	t.Helper()
	cards := lab.WithNICs(lab.NIC{Name: "eth1", Segment: "a"}, lab.NIC{Name: "eth2", Segment: "b"})
	lab.Within(t, func() {
		sh(t, "ip link set eth1 down; ip link set eth2 down")
		body(kindtest.Bench{T: t, Kind: Kind, Host: host.NewMachine("host1", host.Dirs{}), At: schema.ID("bridge/app").On("host1")})
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

// links is all that the kernel says of the interfaces, without what changes by itself.
func links(t *testing.T) string {
	t.Helper()
	return sh(t, `ip -j -d link | jq -r 'sort_by(.ifname)[] | [.ifname, .ifalias, .linkinfo.info_kind, .master, .mtu, (.flags | index("UP") != null)] | tostring'`)
}

func same(t *testing.T, what, before, after string) {
	t.Helper()
	if before != after {
		t.Errorf("%s: before:\n%s\nafter:\n%s", what, before, after)
	}
}

func TestCreateChangeRemoveAndAllTheWayBack(t *testing.T) {
	within(t, func(b kindtest.Bench) {
		clean := links(t)
		one := resolved(Spec{Ports: []string{"eth1"}})
		created := b.Apply(one, false)
		b.Settled(one)
		first := links(t)
		if !strings.Contains(first, `["eth1",null,"veth","app",1500,true]`) {
			t.Errorf("eth1 is not plugged in and on:\n%s", first)
		}
		other := resolved(Spec{Ports: []string{"eth2"}, MTU: 1400})
		changed := b.Apply(other, false)
		b.Settled(other)
		second := links(t)
		removed := b.Apply(other, true)
		b.Undo(removed)
		same(t, "remove and undo", second, links(t))
		b.Undo(changed)
		same(t, "change and undo", first, links(t))
		b.Undo(created)
		same(t, "create and undo", clean, links(t))
	})
}

func TestUndoAfterHalfACreate(t *testing.T) {
	within(t, func(b kindtest.Bench) {
		clean := links(t)
		step := b.Plan(resolved(Spec{Ports: []string{"eth1", "eth2"}}), false)[0]
		p := params{Mark: b.Subject().Mark, Interface: "app", Ports: []string{"eth1", "eth2"}}
		for name, half := range map[string]string{
			"before it has its name": "ip link add " + scaffold(p.Mark) + " type bridge",
			"before its ports":       "ip link add app alias " + p.Mark.String() + " type bridge || ip link add app type bridge; ip link set app alias " + p.Mark.String(),
			"with one port":          "ip link add app type bridge; ip link set app alias " + p.Mark.String() + "; ip link set eth1 master app up",
		} {
			op, _ := Kind.Op("create")
			before, err := op.Capture(context.Background(), b.Host, step.Params)
			if err != nil {
				t.Fatal(err)
			}
			sh(t, half)
			b.Undo([]kindtest.Done{{Step: step, Before: before}})
			same(t, name, clean, links(t))
		}
	})
}

func TestSabotageIsSeenAndMended(t *testing.T) {
	within(t, func(b kindtest.Bench) {
		s := resolved(Spec{Ports: []string{"eth1"}, MTU: 1400})
		b.Apply(s, false)
		whole := links(t)
		for _, script := range []string{
			"ip link set eth1 nomaster", "ip link set eth2 master app", "ip link set app down", "ip link set eth1 down", "ip link set app mtu 1450",
		} {
			sh(t, script)
			broken := links(t)
			if d := b.Diff(s, false); d.Action != actuators.Update {
				t.Errorf("%s: seen as %s", script, d.Action)
			}
			done := b.Apply(s, false)
			b.Settled(s)
			same(t, script+", mended", whole, strings.Replace(links(t), `["eth2",null,"veth",null,1500,true]`, `["eth2",null,"veth",null,1500,false]`, 1))
			b.Undo(done)
			same(t, script+", undone", broken, links(t))
			b.Apply(s, false)
		}
		sh(t, "ip link del app")
		if d := b.Diff(s, false); d.Action != actuators.Create {
			t.Errorf("deleted: seen as %s", d.Action)
		}
	})
}

func TestGuestsArePlacedByOthersAndKeepTheBridge(t *testing.T) {
	within(t, func(b kindtest.Bench) {
		s := resolved(Spec{Ports: []string{"eth1"}})
		created := b.Apply(s, false)
		sh(t, "ip tuntap add vnet0 mode tap; ip link set vnet0 master app")
		b.Settled(s)
		step := b.Plan(s, true)[0]
		if _, err := b.Try(step); !errors.Is(err, actuators.ErrRefused) || !strings.Contains(err.Error(), "vnet0 is plugged into app") {
			t.Errorf("got %v, want a refusal that names vnet0", err)
		}
		if err := b.UndoOne(created[0]); !errors.Is(err, actuators.ErrStuck) {
			t.Errorf("got %v, want stuck", err)
		}
		sh(t, "ip link del vnet0; ip addr add 10.7.0.1/24 dev app")
		if _, err := b.Try(step); !errors.Is(err, actuators.ErrRefused) || !strings.Contains(err.Error(), "10.7.0.1/24") {
			t.Errorf("got %v, want a refusal that names the address", err)
		}
		b.Settled(s)
	})
}

func TestForeignIsLeftAlone(t *testing.T) {
	within(t, func(b kindtest.Bench) {
		s := resolved(Spec{Ports: []string{"eth1"}})
		step := b.Plan(s, false)[0]
		sh(t, "ip link add app type bridge")
		before := links(t)
		if have := b.Have(s); have.Here == nil || have.Owned {
			t.Errorf("seen as %+v", have)
		}
		if _, err := b.Try(step); !errors.Is(err, actuators.ErrForeign) {
			t.Errorf("got %v, want foreign", err)
		}
		same(t, "foreign", before, links(t))
		adopted, err := b.Try(b.Plan(s, false)[0])
		if err != nil || !b.Have(s).Owned {
			t.Errorf("not adopted: %v", err)
		}
		b.Undo([]kindtest.Done{adopted})
		same(t, "adopted and undone", before, links(t))
		sh(t, "ip link del app; ip link add app type veth peer name aside")
		if have := b.Have(s); have.Here == nil || have.Owned {
			t.Errorf("a card of the name is seen as %+v", have)
		}
		sh(t, "ip link del app; ip link add lan type bridge; ip link set eth1 master lan")
		if _, err := b.Try(step); !errors.Is(err, actuators.ErrForeign) || !strings.Contains(err.Error(), "plugged into lan") {
			t.Errorf("got %v, want foreign", err)
		}
		all, err := Kind.Observe(context.Background(), b.Host, actuators.Scope{All: true})
		if err != nil || len(all) != 1 || all[0].ID != "bridge/lan" || all[0].Mark != nil {
			t.Errorf("the whole kind: %+v, %v", all, err)
		}
	})
}

func TestUndoIsStuckWhereSomebodyElseWrote(t *testing.T) {
	within(t, func(b kindtest.Bench) {
		b.Apply(resolved(Spec{Ports: []string{"eth1"}}), false)
		mtu := b.Apply(resolved(Spec{Ports: []string{"eth1"}, MTU: 1400}), false)
		sh(t, "ip link set app mtu 1300")
		if err := b.UndoOne(mtu[0]); !errors.Is(err, actuators.ErrStuck) {
			t.Errorf("got %v, want stuck", err)
		}
	})
}

func TestUndoFindsNoBridge(t *testing.T) {
	within(t, func(b kindtest.Bench) {
		b.Apply(resolved(Spec{Ports: []string{"eth1"}}), false)
		done := b.Apply(resolved(Spec{Ports: []string{"eth1", "eth2"}, MTU: 1400}), false)
		sh(t, "ip link set app down")
		done = append(done, b.Apply(resolved(Spec{Ports: []string{"eth1", "eth2"}, MTU: 1400}), false)...)
		sh(t, "ip link del app") // as a boot does
		for _, one := range done {
			if err := b.UndoOne(one); !errors.Is(err, actuators.ErrGone) {
				t.Errorf("%s: got %v, want gone", one.Step.Op, err)
			}
		}
		if len(done) != 3 {
			t.Errorf("undone: %+v", done)
		}
	})
}

func TestWatchHints(t *testing.T) {
	within(t, func(b kindtest.Bench) {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		events, ended := make(chan actuators.Event, 100), make(chan error)
		go func() { ended <- link.Watch(ctx, b.Host, func(e actuators.Event) { events <- e }) }()
		for seen := false; !seen; {
			sh(t, "ip link set eth1 up; ip link set eth1 down")
			select {
			case e := <-events:
				seen = !e.Standing
			case <-ctx.Done():
				t.Fatal("no hint")
			case <-time.After(10 * time.Millisecond):
			}
		}
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("ended with %v", err)
		}
	})
}

package network

import (
	"context"
	"errors"
	"os/exec"
	"strings"
	"testing"

	"plumbline/actuators"
	"plumbline/actuators/internal/kindtest"
	host "plumbline/reconcile/exec"
	"plumbline/schema"
	"plumbline/testenv/lab"
)

// within runs the body on a host of its own, beside the other tests.
func within(t *testing.T, body func(b kindtest.Bench)) {
	t.Helper()
	t.Parallel()
	lab.Within(t, func() {
		sh(t, "ip link add app type bridge; ip link add br1 type bridge; ip link set app up; ip link set br1 up")
		body(kindtest.Bench{T: t, Kind: Kind, Host: host.NewMachine("host1", host.Dirs{}), At: schema.ID("network/app-boston").On("host1")})
	}, lab.With("libvirtd"))
}

func sh(t *testing.T, script string) string {
	t.Helper()
	out, err := exec.Command("sh", "-ec", script).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return string(out)
}

// networks is all that libvirt says.
func networks(t *testing.T) string {
	t.Helper()
	return sh(t, `virsh -q net-list --all; for n in $(virsh -q net-list --all --name); do virsh net-dumpxml --inactive $n; done`)
}

func same(t *testing.T, what, before, after string) {
	t.Helper()
	if before != after {
		t.Errorf("%s: before:\n%s\nafter:\n%s", what, before, after)
	}
}

func TestLifeAndAllTheWayBack(t *testing.T) {
	within(t, func(b kindtest.Bench) {
		clean := networks(t)
		created := b.Apply(spec("app"), false)
		b.Settled(spec("app"))
		first := networks(t)
		if out := sh(t, "virsh net-dumpxml app-boston"); !strings.Contains(out, "<bridge name='app'/>") || !strings.Contains(out, `id="network/app-boston"`) {
			t.Errorf("made:\n%s", out)
		}
		changed := b.Apply(spec("br1"), false)
		b.Settled(spec("br1"))
		if out := sh(t, "virsh net-dumpxml app-boston"); !strings.Contains(out, "<bridge name='br1'/>") {
			t.Errorf("the running network has its old bridge:\n%s", out)
		}
		second := networks(t)
		removed := b.Apply(spec("br1"), true)
		same(t, "removed", clean, networks(t))
		b.Undo(removed)
		same(t, "remove and undo", second, networks(t))
		b.Undo(changed)
		same(t, "redefine and undo", first, networks(t))
		b.Undo(created)
		same(t, "create and undo", clean, networks(t))
	})
}

func TestUndoAfterHalfACreate(t *testing.T) {
	within(t, func(b kindtest.Bench) {
		clean := networks(t)
		step := b.Plan(spec("app"), false)[0]
		p := params{Mark: b.Subject().Mark, Network: "app-boston", Bridge: "app"}
		for _, half := range []string{
			"true", "virsh -q net-define /tmp/n.xml", "virsh -q net-define /tmp/n.xml; virsh -q net-start app-boston",
		} {
			sh(t, "cat >/tmp/n.xml <<'END'\n"+define(p)+"\nEND\n"+half)
			b.Undo([]kindtest.Done{{Step: step, Before: []byte("{}")}})
			same(t, half, clean, networks(t))
		}
	})
}

func TestSabotageIsSeenAndMended(t *testing.T) {
	within(t, func(b kindtest.Bench) {
		b.Apply(spec("app"), false)
		whole := networks(t)
		for script, action := range map[string]actuators.Action{
			"virsh net-destroy app-boston":             actuators.Update,
			"virsh net-autostart --disable app-boston": actuators.Update,
			"virsh net-dumpxml app-boston | sed \"s/bridge name='app'/bridge name='br1'/\" >/tmp/x.xml; virsh net-define /tmp/x.xml": actuators.Update,
			"virsh net-destroy app-boston; virsh net-undefine app-boston":                                                            actuators.Create,
		} {
			sh(t, script)
			broken := networks(t)
			if d := b.Diff(spec("app"), false); d.Action != action {
				t.Errorf("%s: seen as %s, want %s", script, d.Action, action)
			}
			done := b.Apply(spec("app"), false)
			same(t, script+", mended", whole, networks(t))
			b.Undo(done)
			same(t, script+", undone", broken, networks(t))
			b.Apply(spec("app"), false)
		}
	})
}

func TestForeignIsLeftAlone(t *testing.T) {
	within(t, func(b kindtest.Bench) {
		step := b.Plan(spec("app"), false)[0]
		sh(t, `printf "<network><name>app-boston</name><forward mode='bridge'/><bridge name='br1'/></network>" >/tmp/n.xml; virsh -q net-define /tmp/n.xml`)
		before := networks(t)
		if have := b.Have(spec("app")); have.Here == nil || have.Owned {
			t.Errorf("seen as %+v", have)
		}
		if _, err := b.Try(step); !errors.Is(err, actuators.ErrForeign) {
			t.Errorf("got %v, want foreign", err)
		}
		same(t, "foreign", before, networks(t))
		adopted, err := b.Try(b.Plan(spec("br1"), false)[0])
		if have := b.Have(spec("br1")); err != nil || !have.Owned {
			t.Errorf("not adopted: %+v, %v", have, err)
		}
		b.Undo([]kindtest.Done{adopted})
		same(t, "adopted and undone", before, networks(t))
	})
}

func TestTheWholeKindIsSeenWithForeignOnes(t *testing.T) {
	within(t, func(b kindtest.Bench) {
		b.Apply(spec("app"), false)
		sh(t, `printf "<network><name>other</name><forward mode='nat'/><bridge name='virbr7'/><ip address='10.77.0.1' netmask='255.255.255.0'/></network>" >/tmp/n.xml; virsh -q net-define /tmp/n.xml`)
		all, err := Kind.Observe(context.Background(), b.Host, actuators.Scope{All: true})
		if err != nil {
			t.Fatal(err)
		}
		seen := map[schema.ID]bool{}
		for _, one := range all {
			seen[one.ID] = one.Mark != nil
		}
		if mine, ok := seen["network/app-boston"]; !ok || !mine {
			t.Errorf("seen %v", seen)
		}
		if mine, ok := seen["network/other"]; !ok || mine {
			t.Errorf("seen %v", seen)
		}
	})
}

package vip

import (
	"context"
	"errors"
	"os/exec"
	"strings"
	"testing"
	"time"

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
	withinLab(t, body, lab.With("keepalived"))
}

func withinLab(t *testing.T, body func(b kindtest.Bench), keepalived lab.Option) {
	t.Helper()
	lab.Within(t, func() {
		body(kindtest.Bench{T: t, Kind: Kind, Host: host.NewMachine("edge1", host.Dirs{}), At: schema.ID("vip/edge-public").On("edge1")})
	}, keepalived, lab.WithNICs(lab.NIC{Name: "eth2", Segment: "public", Addresses: []string{"203.0.113.251/24"}}))
}

func sh(t *testing.T, script string) string {
	t.Helper()
	out, err := exec.Command("sh", "-ec", script).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return string(out)
}

// eventually waits until the condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !holds(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

// disk is all files of keepalived, and whether it runs.
func disk(t *testing.T, b kindtest.Bench) string {
	t.Helper()
	on, err := running(b.Host)
	if err != nil {
		t.Fatal(err)
	}
	out := sh(t, `cd /etc/keepalived; find . | sort; find . -type f -exec cat {} +`)
	if on {
		out += "runs\n"
	}
	return out
}

func same(t *testing.T, what, before, after string) {
	t.Helper()
	if before != after {
		t.Errorf("%s: before:\n%s\nafter:\n%s", what, before, after)
	}
}

func holds(t *testing.T, address string) func() bool {
	return func() bool { return strings.Contains(sh(t, "ip -4 -o addr show dev eth2"), address) }
}

func settled(t *testing.T, b kindtest.Bench, s *Spec) {
	t.Helper()
	op, _ := Kind.Op("create")
	eventually(t, "some host answers", func() bool {
		done, err := op.Settled(b.Have(s).Here)
		return done && err == nil
	})
	b.Settled(s)
}

func TestLifeAndAllTheWayBack(t *testing.T) {
	within(t, func(b kindtest.Bench) {
		clean := disk(t, b)
		created := b.Apply(spec(nil), false)
		settled(t, b, spec(nil))
		first := disk(t, b)
		if !holds(t, "203.0.113.3/24")() {
			t.Error("settled, and the only host does not hold the address")
		}
		other := spec(func(s *Spec) { s.Address, s.Advert = "203.0.113.4/24", "100ms" })
		changed := b.Apply(other, false)
		settled(t, b, other)
		second := disk(t, b)
		removed := b.Apply(other, true)
		eventually(t, "the address is given up", func() bool { return !holds(t, "203.0.113.4/24")() })
		b.Undo(removed)
		same(t, "remove and undo", second, disk(t, b))
		eventually(t, "the address is back", holds(t, "203.0.113.4/24"))
		b.Undo(changed)
		same(t, "update and undo", first, disk(t, b))
		eventually(t, "the old address is back", holds(t, "203.0.113.3/24"))
		b.Undo(created)
		same(t, "create and undo", clean, disk(t, b))
		eventually(t, "the address is given up", func() bool { return !holds(t, "203.0.113.3/24")() })
	})
}

func TestUndoAfterHalfACreate(t *testing.T) {
	within(t, func(b kindtest.Bench) {
		clean := disk(t, b)
		step := b.Plan(spec(nil), false)[0]
		content := text("edge-public", b.Subject().Mark, spec(nil).router())
		for _, half := range []string{
			"true", "mkdir -p " + confDir, "mkdir -p " + confDir + "; cp /tmp/v " + confPath("edge-public"),
			"mkdir -p " + confDir + "; cp /tmp/v " + confPath("edge-public") + "; cp /tmp/m " + mainFile,
		} {
			op, _ := Kind.Op("create")
			before, err := op.Capture(context.Background(), b.Host, step.Params)
			if err != nil {
				t.Fatal(err)
			}
			sh(t, "cat >/tmp/v <<'END'\n"+content+"END\ncat >/tmp/m <<'END'\n"+mainText+"END\n"+half)
			b.Undo([]kindtest.Done{{Step: step, Before: before}})
			same(t, half, clean, disk(t, b))
		}
	})
}

// TestARemovalCutOffAfterTheMainFileStopsTheDaemon has a keepalived that nobody stops when its file goes away.
func TestARemovalCutOffAfterTheMainFileStopsTheDaemon(t *testing.T) {
	t.Parallel()
	withinLab(t, func(b kindtest.Bench) {
		sh(t, "rm -rf /etc/keepalived; mkdir /etc/keepalived")
		b.Apply(spec(nil), false)
		settled(t, b, spec(nil))
		step := b.Plan(spec(nil), true)[0]
		op, _ := Kind.Op(step.Op)
		before, err := op.Capture(context.Background(), b.Host, step.Params)
		if err != nil {
			t.Fatal(err)
		}
		sh(t, "rm "+confPath("edge-public")+" "+mainFile)
		if on, err := running(b.Host); err != nil || !on {
			t.Fatalf("before the removal goes on: running %v, %v", on, err)
		}
		for range 2 {
			if err := op.Do(context.Background(), b.Host, step.Params, before); err != nil {
				t.Fatal(err)
			}
			if on, err := running(b.Host); err != nil || on {
				t.Errorf("after the removal: running %v, %v", on, err)
			}
		}
	}, lab.WithDaemon(lab.Service{Name: "keepalived", Argv: []string{"keepalived", "--dont-fork", "--log-console", "--vrrp"}}))
}

func TestSabotageIsSeenAndMended(t *testing.T) {
	within(t, func(b kindtest.Bench) {
		b.Apply(spec(nil), false)
		settled(t, b, spec(nil))
		whole := disk(t, b)
		for script, action := range map[string]actuators.Action{
			"sed -i 's/priority 150/priority 7/' " + confPath("edge-public"): actuators.Update,
			"echo 'global_defs { }' >>" + confPath("edge-public"):            actuators.Update,
			"rm " + confPath("edge-public"):                                  actuators.Create,
			"systemctl stop keepalived":                                      actuators.Update,
			"kill -9 $(cat " + pidFile + ") $(cat /run/keepalived/vrrp.pid)": actuators.Update,
		} {
			sh(t, script)
			eventually(t, script+" is seen", func() bool { return b.Diff(spec(nil), false).Action == action })
			b.Apply(spec(nil), false)
			settled(t, b, spec(nil))
			same(t, script+", mended", whole, disk(t, b))
		}
	})
}

func TestForeignIsLeftAlone(t *testing.T) {
	within(t, func(b kindtest.Bench) {
		step := b.Plan(spec(nil), false)[0]
		sh(t, "echo 'global_defs { }' >"+mainFile)
		before := sh(t, "cat "+mainFile)
		if _, err := b.Try(step); !errors.Is(err, actuators.ErrForeign) || !strings.Contains(err.Error(), `add the line "include`) {
			t.Errorf("got %v, want foreign with a remedy", err)
		}
		same(t, "foreign main file", before, sh(t, "cat "+mainFile))
		sh(t, "echo 'include conf.d/*.conf' >>"+mainFile+"; mkdir -p "+confDir)
		sh(t, "cat >"+confPath("edge-public")+" <<'END'\n"+body("edge-public", router)+"END\n")
		if have := b.Have(spec(nil)); have.Here == nil || have.Owned {
			t.Errorf("seen as %+v", have)
		}
		if _, err := b.Try(step); !errors.Is(err, actuators.ErrForeign) {
			t.Errorf("got %v, want foreign", err)
		}
		adopted, err := b.Try(b.Plan(spec(nil), false)[0])
		if have := b.Have(spec(nil)); err != nil || !have.Owned {
			t.Errorf("not adopted: %+v, %v", have, err)
		}
		b.Undo([]kindtest.Done{adopted})
		same(t, "adopted and undone", sh(t, "cat "+confPath("edge-public")), body("edge-public", router))
	})
}

func TestWhatKeepalivedDoesNotTakeIsRefusedBeforeAnythingIsWritten(t *testing.T) {
	within(t, func(b kindtest.Bench) {
		clean := disk(t, b)
		_, err := b.Try(b.Plan(spec(func(s *Spec) { s.Interface = "eth9" }), false)[0])
		if !errors.Is(err, actuators.ErrRefused) || !strings.Contains(err.Error(), "eth9") {
			t.Errorf("got %v, want a refusal that names eth9", err)
		}
		same(t, "refused", clean, disk(t, b))
	})
}

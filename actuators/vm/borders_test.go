package vm

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"plumbline/actuators"
	"plumbline/schema"
	"plumbline/testenv/guest"
)

// foreign is a domain that somebody defined by hand.
const foreign = `<domain type='qemu'><name>payroll</name><memory unit='MiB'>64</memory><vcpu>1</vcpu>
	<os><type arch='x86_64' machine='q35'>hvm</type></os></domain>`

// TestForeignDomainIsSeenRefusedAndAdopted needs no guest.
func TestForeignDomainIsSeenRefusedAndAdopted(t *testing.T) {
	onHost(t, func(r *rig, img guest.Image) {
		r.world(img, "payroll-disk")
		_, create, err := r.plan(declared(t, nil))
		if err != nil {
			t.Fatal(err)
		}
		r.sh(`printf %s "$1" >/tmp/d.xml; virsh -q define /tmp/d.xml`, foreign)
		text := r.sh(`virsh dumpxml --inactive payroll`)
		have := r.have()
		if have.Here == nil || have.Owned || have.Mark != nil {
			t.Fatalf("the foreign domain is seen as %+v", have)
		}
		for _, s := range create[:2] { // as if it had appeared after the plan
			op, _ := Kind.Op(s.Op)
			before, err := op.Capture(context.Background(), r.host, s.Params)
			if !errors.Is(err, actuators.ErrForeign) {
				t.Errorf("capture %s: got %v, want a refusal", s.Op, err)
			}
			if err := op.Do(context.Background(), r.host, s.Params, before); !errors.Is(err, actuators.ErrForeign) {
				t.Errorf("do %s: got %v, want a refusal", s.Op, err)
			}
			if err := op.Undo(context.Background(), r.host, s.Params, json.RawMessage(`{"power":"stopped"}`)); err == nil {
				t.Errorf("undo %s touched a foreign domain", s.Op)
			}
		}
		if now := r.sh(`virsh dumpxml --inactive payroll`); now != text {
			t.Errorf("the foreign domain was changed:\n%s", now)
		}

		_, steps, err := r.plan(declared(t, nil))
		if err != nil || len(steps) != 1 || steps[0].Op != "adopt" {
			t.Fatalf("planned %v, %v; want adopt alone", steps, err)
		}
		adopted := r.run(steps[0])
		r.sh(`sed s/payroll/other/ /tmp/d.xml >/tmp/o.xml; virsh -q define /tmp/o.xml; virsh -q domrename payroll moved`)
		one, err := Kind.Observe(context.Background(), r.host, actuators.Scope{Targets: []actuators.Target{{ID: payroll}}})
		if err != nil || len(one) != 1 || one[0].Mark == nil {
			t.Errorf("one target among several: got %+v, %v", one, err)
		}
		r.sh(`virsh -q domrename moved payroll; virsh -q undefine other`)
		if have := r.have(); !have.Owned || have.Mark.ID != payroll {
			t.Errorf("after adoption: %+v", have.Mark)
		}
		r.undo([]done{adopted})
		// libvirt keeps an empty element where metadata was
		if now := strings.Replace(r.sh(`virsh dumpxml --inactive payroll`), "  <metadata/>\n", "", 1); now != text {
			t.Errorf("undo left:\n%s", now)
		}
	})
}

// TestStoppedDomainChanges goes through every operation that needs no guest, and back.
func TestStoppedDomainChanges(t *testing.T) {
	onHost(t, func(r *rig, img guest.Image) {
		r.world(img, "payroll-disk", "extra")
		off := func(s *Spec) { s.Power = stopped }
		r.apply(declared(t, off), "define")
		other := func(s *Spec) {
			off(s)
			s.CPU, s.Memory = CPUSpec{Now: 3, Max: 3}, MemorySpec{Now: "512Mi", Max: "1Gi"}
			s.Disks = []DiskSpec{{Volume: "extra"}}
			s.NICs = []NICSpec{{Network: "app-boston", Address: "10.1.1.13", MAC: "52:54:00:0a:01:0c"}, {Network: "app-boston"}}
		}
		there := r.apply(declared(t, other), "detach-disk detach-nic set-cpu set-memory set-guest attach-disk attach-nic attach-nic")
		r.undo(there)
		r.apply(declared(t, other), "detach-disk detach-nic set-cpu set-memory set-guest attach-disk attach-nic attach-nic")
		r.apply(declared(t, off), "detach-disk detach-nic detach-nic set-cpu set-memory set-guest attach-disk attach-nic")

		r.sh(`virsh -q setvcpus payroll 1 --config; virsh -q setmem payroll 64M --config`)
		step := r.steps(declared(t, func(s *Spec) { off(s); s.CPU.Now = 2 }))[0]
		ran := r.run(step)
		r.sh(`virsh -q setvcpus payroll 1 --config; virsh -q setvcpus payroll 7 --config --maximum`)
		op, _ := Kind.Op(step.Op)
		if err := op.Undo(context.Background(), r.host, step.Params, ran.before); !errors.Is(err, actuators.ErrStuck) {
			t.Errorf("undo over somebody's change: got %v, want stuck", err)
		}
	})
}

// TestSnapshotsForbidRetirementBeforeAnythingStops: libvirt would refuse the rename when the guest is off already.
func TestSnapshotsForbidRetirementBeforeAnythingStops(t *testing.T) {
	onHost(t, func(r *rig, img guest.Image) {
		r.world(img, "payroll-disk")
		r.apply(declared(t, func(s *Spec) { s.Power = stopped }), "define")
		_, steps, err := r.plan(nil)
		if err != nil || len(steps) != 1 {
			t.Fatalf("planned %v, %v", steps, err)
		}
		op, _ := Kind.Op("retire")
		if err := op.Preflight(context.Background(), r.host, steps[0].Params); err != nil {
			t.Errorf("without snapshots: %v", err)
		}
		r.sh(`virsh -q snapshot-create-as payroll one`)
		if err := op.Preflight(context.Background(), r.host, steps[0].Params); !errors.Is(err, actuators.ErrRefused) || !strings.Contains(err.Error(), "1 snapshots") {
			t.Errorf("with a snapshot: %v", err)
		}
	})
}

func (r *rig) steps(want *Spec) []actuators.Step {
	r.t.Helper()
	_, steps, err := r.plan(want)
	if err != nil {
		r.t.Fatal(err)
	}
	return steps
}

// TestDeafGuestIsForcedOffAndWatched: a domain without a system hears no ACPI.
func TestDeafGuestIsForcedOffAndWatched(t *testing.T) {
	onHost(t, func(r *rig, img guest.Image) {
		r.world(img)
		r.sh(`qemu-img create -q -f qcow2 /var/lib/plumb/pools/vmdisks/payroll-disk.qcow2 1M`)
		ctx, cancel := context.WithCancel(context.Background())
		events, ended := make(chan actuators.Event, 100), make(chan error, 1)
		go func() {
			err := Kind.Watch(ctx, r.host, func(e actuators.Event) { events <- e })
			if ctx.Err() == nil {
				t.Errorf("the watch ended by itself: %v", err)
			}
			ended <- err
		}()
		r.hears(events, "", "subscribed")
		deaf := func(s *Spec) { s.Ready, s.Stop.Timeout = nil, "1s" }
		r.apply(declared(t, deaf), "define start")
		r.hears(events, payroll, "started")
		r.sh(`ip link add other type bridge`)
		r.hears(events, "", "an interface changed")
		r.undo(r.apply(declared(t, func(s *Spec) { deaf(s); s.Stop.Timeout = "2s" }), "set-stop"))
		ran := r.apply(declared(t, func(s *Spec) { deaf(s); s.Power = stopped }), "stop")
		if ran[0].step.Disruptive == "" || !strings.Contains(ran[0].step.Summary, "forced off after 1s") {
			t.Errorf("the plan does not say that it is forced: %+v", ran[0].step)
		}
		r.hears(events, payroll, "stopped")
		cancel()
		select {
		case err := <-ended:
			if !errors.Is(err, context.Canceled) {
				t.Errorf("watch ended with %v", err)
			}
		case <-time.After(10 * time.Second):
			t.Error("watch does not end with its context")
		}
	})
}

// hears waits for an event of an ID whose text holds a word.
func (r *rig) hears(events <-chan actuators.Event, id schema.ID, word string) {
	r.t.Helper()
	limit := time.After(20 * time.Second)
	for {
		select {
		case e := <-events:
			if e.ID == id && strings.Contains(e.Text, word) {
				return
			}
		case <-limit:
			r.t.Fatalf("no event of %q with %q", id, word)
		}
	}
}

// TestProbeFailsWhenNobodyAnswers: the lane of a VM whose service never comes up must not go on.
func TestProbeFailsWhenNobodyAnswers(t *testing.T) {
	r := newRig(t)
	err := await(context.Background(), r.host, Probe{Address: "127.0.0.1", Port: 1, Timeout: 700 * time.Millisecond})
	if err == nil || !strings.Contains(err.Error(), "tcp 127.0.0.1:1 within 700ms") {
		t.Errorf("got %v", err)
	}
	if errors.Is(err, actuators.ErrTransient) {
		t.Errorf("the engine tries a temporary failure three times, and the declared time would be tripled: %v", err)
	}
}

// TestTapIsPluggedInAgainAndBack goes through what becomes of a tap, with undo and what undo must not do.
func TestTapIsPluggedInAgainAndBack(t *testing.T) {
	onHost(t, func(r *rig, img guest.Image) {
		r.world(img)
		r.sh(`qemu-img create -q -f qcow2 /var/lib/plumb/pools/vmdisks/payroll-disk.qcow2 1M`)
		want := declared(t, func(s *Spec) { s.Ready, s.Stop.Timeout = nil, "100ms" })
		r.apply(want, "define start")
		tap, id := r.tap(), r.sh(`virsh -q domid payroll`)
		for _, harm := range []string{`ip link set "$1" nomaster`, `ip link set "$1" down`, `ip link add other type bridge; ip link set "$1" master other down`} {
			r.sh(harm, tap)
			was := r.sh(`ip -o link show "$1"`, tap)
			r.undo(r.apply(want, "plug"))
			if now := r.sh(`ip -o link show "$1"`, tap); now != was {
				t.Errorf("after %s, undo left\n%snot\n%s", harm, now, was)
			}
			r.apply(want, "plug")
		}
		r.sh(`ip link set "$1" nomaster`, tap)
		ran := r.apply(want, "plug")
		r.sh(`ip link add third type bridge; ip link set "$1" master third`, tap)
		op, _ := Kind.Op("plug")
		if err := op.Undo(context.Background(), r.host, ran[0].step.Params, ran[0].before); !errors.Is(err, actuators.ErrStuck) {
			t.Errorf("undo over somebody's change: got %v, want stuck", err)
		}
		r.sh(`ip link del app`)
		err := op.Do(context.Background(), r.host, ran[0].step.Params, ran[0].before)
		if !errors.Is(err, actuators.ErrNotFound) || !strings.Contains(err.Error(), "there is no bridge app") {
			t.Errorf("without its bridge: %v", err)
		}
		if now := r.sh(`virsh -q domid payroll`); now != id {
			t.Error("the guest was restarted")
		}
	})
}

// TestUndefinedWhileItRuns: the guest goes on, and its definition comes back as it was.
func TestUndefinedWhileItRuns(t *testing.T) {
	onHost(t, func(r *rig, img guest.Image) {
		r.world(img)
		r.sh(`qemu-img create -q -f qcow2 /var/lib/plumb/pools/vmdisks/payroll-disk.qcow2 1M`)
		want := declared(t, func(s *Spec) { s.Ready, s.Stop.Timeout, s.Autostart = nil, "100ms", true })
		r.apply(want, "define set-autostart start")
		was, id := r.sh(`virsh dumpxml --inactive payroll`), r.sh(`virsh -q domid payroll`)
		r.sh(`virsh -q undefine payroll`)
		r.undo(r.apply(want, "redefine set-autostart"))
		if now := r.sh(`virsh -q list --transient --name`); strings.TrimSpace(now) != "payroll" {
			t.Errorf("undo left %q without a definition", now)
		}
		ran := r.apply(want, "redefine set-autostart")
		if now := r.sh(`virsh dumpxml --inactive payroll`); now != was {
			t.Errorf("the definition is not as it was:\n%snot\n%s", now, was)
		}
		if now := r.sh(`virsh -q domid payroll`); now != id {
			t.Error("the guest was restarted")
		}
		op, _ := Kind.Op("redefine")
		r.sh(`virsh -q setvcpus payroll 2 --config`)
		if err := op.Undo(context.Background(), r.host, ran[0].step.Params, ran[0].before); !errors.Is(err, actuators.ErrStuck) {
			t.Errorf("undo over somebody's change: got %v, want stuck", err)
		}
		r.sh(`virsh -q setvcpus payroll 1 --config; virsh -q undefine payroll`)
		r.apply(want, "redefine set-autostart")
		r.sh(`virsh -q undefine payroll`)
		r.apply(nil, "redefine stop retire")
	})
}

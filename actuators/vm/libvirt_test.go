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

// declared is the payroll VM of the story, resolved as the loader would.
func declared(t *testing.T, change func(s *Spec)) *Spec {
	t.Helper()
	return declaredAs(t, payroll, change)
}

func declaredAs(t *testing.T, id schema.ID, change func(s *Spec)) *Spec {
	t.Helper()
	s := &Spec{
		CPU: CPUSpec{Now: 1, Max: 2}, Memory: MemorySpec{Now: "128Mi", Max: "256Mi"},
		Disks: []DiskSpec{{Volume: "payroll-disk"}}, NICs: []NICSpec{{Network: "app-boston", Address: "10.1.1.12"}},
		Power: running, Ready: &ReadySpec{TCP: 80, Timeout: "60s"}, Stop: StopSpec{Timeout: "20s"}, Accel: "tcg", Machine: "q35",
	}
	if change != nil {
		change(s)
	}
	spec, _ := json.Marshal(s)
	spec, _, problems := Kind.Resolve(id, schema.Place{Host: "host1", Hosts: []string{"host1"}}, spec, lookup)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	s = nil
	if err := json.Unmarshal(spec, &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// lookup is a topology of one pool, two volumes and a network.
func lookup(id schema.ID) (json.RawMessage, []string, bool) {
	specs := map[schema.ID]string{
		"pool/vmdisks":        `{"dir": "/var/lib/plumb/pools/vmdisks"}`,
		"volume/payroll-disk": `{"pool": "vmdisks", "format": "qcow2"}`,
		"volume/extra":        `{"pool": "vmdisks", "format": "qcow2"}`,
		"network/app-boston":  `{"cidr": "10.1.1.0/24", "gateway": "10.1.1.1"}`,
		"host/host1":          `{"site": "boston", "hardware": {"memory": "1Gi"}}`,
	}
	spec, ok := specs[id]
	return json.RawMessage(spec), []string{"host1"}, ok
}

// TestLifeOfAVM is one story because a boot costs seconds.
func TestLifeOfAVM(t *testing.T) {
	onHost(t, func(r *rig, img guest.Image) {
		r.world(img, "payroll-disk", "extra")
		create := r.apply(declared(t, nil), "define start ready")
		if page := r.page(); !strings.Contains(page, "hostname=payroll\n") {
			t.Fatalf("the guest is not the one declared:\n%s", page)
		}
		r.undo(create)

		r.apply(declared(t, func(s *Spec) { s.Autostart = true }), "define set-autostart start ready")
		tuned := func(s *Spec) {
			s.CPU.Now, s.Memory.Now, s.Disks = 2, "192Mi", append(s.Disks, DiskSpec{Volume: "extra"})
			s.NICs = append(s.NICs, NICSpec{Network: "app-boston"})
		}
		live := r.apply(declared(t, tuned), "set-autostart set-cpu set-memory attach-disk attach-nic")
		r.shows("disk.vdb=")
		r.undo(live)

		boot := value(r.page(), "boot")
		r.apply(declared(t, func(s *Spec) { s.CPU.Now, s.CPU.Max, s.Memory.Max, s.Autostart = 2, 4, "512Mi", true }),
			"stop set-cpu set-memory start ready")
		if again := value(r.page(), "boot"); again == boot {
			t.Error("the VM was not restarted")
		}

		r.retireAndRestore()
	})
}

func (r *rig) retireAndRestore() {
	r.t.Helper()
	gone := r.apply(nil, "set-autostart stop retire")
	if have := r.have(); have.Here != nil || have.Retired == nil {
		r.t.Fatal("the retired VM is not seen as retired")
	}
	r.undo(gone)
	r.apply(nil, "set-autostart stop retire")
	back := r.apply(declared(r.t, func(s *Spec) { s.CPU.Now, s.CPU.Max, s.Memory.Max = 2, 4, "512Mi" }), "restore start ready")
	r.undo(back)
}

func value(page, key string) string {
	for line := range strings.Lines(page) {
		if v, ok := strings.CutPrefix(line, key+"="); ok {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// TestFrozenLibvirtdIsAnErrorInTime: the library would wait for ever.
func TestFrozenLibvirtdIsAnErrorInTime(t *testing.T) {
	onHost(t, func(r *rig, _ guest.Image) {
		thaw := r.freeze()
		defer thaw()
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		answer := make(chan error, 1)
		go func() {
			_, err := Kind.Observe(ctx, r.host, actuators.Scope{All: true})
			answer <- err
		}()
		select {
		case err := <-answer:
			if !errors.Is(err, actuators.ErrTransient) || !strings.Contains(err.Error(), "/var/run/libvirt/libvirt-sock") {
				t.Fatalf("got %v, want a temporary failure that names the socket", err)
			}
		case <-time.After(20 * time.Second):
			t.Fatal("observe hangs on a frozen libvirtd")
		}
	})
}

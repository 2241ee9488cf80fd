package vip

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"plumbline/actuators/internal/kindtest"
)

// TestARenamedAddressIsNeverLost watches the kernel's word of addresses while the address is renamed there and back.
func TestARenamedAddressIsNeverLost(t *testing.T) {
	within(t, func(b kindtest.Bench) {
		b.Apply(spec(nil), false)
		settled(t, b, spec(nil))
		whole := disk(t, b)
		words := filepath.Join(t.TempDir(), "words")
		out, err := os.Create(words)
		if err != nil {
			t.Fatal(err)
		}
		defer out.Close()
		watch := exec.Command("ip", "-o", "monitor", "address")
		watch.Stdout = out
		if err := watch.Start(); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = watch.Process.Kill(); _ = watch.Wait() }()
		told := func() string {
			text, err := os.ReadFile(words)
			if err != nil {
				t.Fatal(err)
			}
			return string(text)
		}
		eventually(t, "the watch stands", func() bool {
			sh(t, "ip addr add 192.0.2.77/32 dev lo; ip addr del 192.0.2.77/32 dev lo")
			return strings.Contains(told(), "192.0.2.77")
		})
		now, done := b.Rename("vip/entrance", spec(nil))
		if len(done) != 1 || done[0].Step.Disruptive != "" {
			t.Fatalf("%+v", done)
		}
		settled(t, now, spec(nil))
		adverts(t)
		b.Undo(done)
		settled(t, b, spec(nil))
		adverts(t)
		same(t, "renamed and undone", whole, disk(t, b))
		sh(t, "ip addr add 192.0.2.78/32 dev lo")
		eventually(t, "the watch stands", func() bool { return strings.Contains(told(), "192.0.2.78") })
		if strings.Contains(told(), "203.0.113.3") {
			t.Errorf("the address went and came:\n%s", told())
		}
	})
}

// adverts waits until keepalived has sent a few under what it read last.
func adverts(t *testing.T) {
	t.Helper()
	sent := func() string { return sh(t, "cat /sys/class/net/eth2/statistics/tx_packets") }
	for range 5 {
		last := sent()
		eventually(t, "an advert", func() bool { return sent() != last })
	}
}

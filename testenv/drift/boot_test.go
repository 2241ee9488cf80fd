package drift

import (
	"context"
	"strings"
	"testing"
)

// TestWhatABootTookAlongIsMadeAgain lets a host answer with another boot ID, without the rules that it had in its kernel, while the
// controller is down, too: where the power fails, it fails for all. What went before the boot stays as it is.
func TestWhatABootTookAlongIsMadeAgain(t *testing.T) {
	s := onSite(t)
	const took, before = "firewall/edge@ns1", "record/six.mycompany.com@ns1"
	known, _ := s.ear.about(took)
	other, _ := s.ear.about(before)
	ctx, cancel := context.WithTimeout(s.ctx, within)
	defer cancel()
	s.on("ns1", "nft list table inet plumb_fw >/root/fw; kdig +short six.mycompany.com TXT @127.0.0.1 >/root/six")
	s.on("ns1", update(`del six.mycompany.com. TXT`))
	if _, err := s.ear.next(ctx, before, len(other)); err != nil {
		t.Fatal(err)
	}
	s.again(every, func() error {
		err := s.StopRun()
		s.on("ns1", "cat /proc/sys/kernel/random/uuid >/root/boot; mount --bind /root/boot /proc/sys/kernel/random/boot_id; nft delete table inet plumb_fw")
		return err
	})
	defer s.on("ns1", "umount /proc/sys/kernel/random/boot_id")
	fired, err := s.ear.next(ctx, took, len(known))
	if err != nil {
		t.Fatal(err)
	}
	healed, err := s.ear.next(ctx, took, len(known)+1)
	if err != nil || healed.Reason != "DriftHealed" || !strings.Contains(fired.Message, "is gone; its host booted; it will be healed") {
		t.Errorf("%s\n%s\n%v", tell(fired), tell(healed), err)
	}
	s.on("ns1", "nft list table inet plumb_fw | diff /root/fw -")
	if again, _ := s.ear.about(before); len(again) != len(other)+1 {
		t.Errorf("what went before the boot: %s", tellAll(again[len(other):]))
	}
	s.on("ns1", update(`add six.mycompany.com. 60 TXT v=1`))
	if _, err := s.ear.next(ctx, before, len(other)+1); err != nil {
		t.Error(err)
	}
}

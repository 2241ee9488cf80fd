package drift

import (
	"context"
	"fmt"
	"strings"
	"testing"
)

// TestWhoDidItIsTold: the kernel names the process that changed nftables, and QEMU the one that ended it.
func TestWhoDidItIsTold(t *testing.T) {
	s := onSite(t)
	for _, one := range []struct{ object, host, spoil, mend, who string }{
		{"nat/payroll@edge1", "edge1", forward(dns, dns, "10.1.1.12 . 54"), forward(dns, dns, "10.1.1.12 . 53"), "process nft (PID) (certain: nftables)"},
		{"vm/payroll@jino0", "jino0", `kill $(cat /run/libvirt/qemu/payroll.pid)`, "virsh -q start payroll", "process PID, its process got signal 15 (certain: libvirt)"},
	} {
		before, _ := s.ear.about(one.object)
		s.on(one.host, one.spoil)
		ctx, cancel := context.WithTimeout(s.ctx, within)
		n, err := s.ear.next(ctx, one.object, len(before))
		if err != nil {
			t.Fatal(err)
		}
		begin, end, _ := strings.Cut(one.who, "PID")
		if who := n.Details["who"]; !strings.HasPrefix(who, begin) || !strings.HasSuffix(who, end) {
			t.Errorf("%s: told %q, want %q", one.object, who, one.who)
		}
		s.until(func() error { // it stands in the audit trail, too
			out, err := s.Plumb(s.ctx, "explain", one.object)
			if err == nil && !strings.Contains(out, "    done by "+begin) {
				err = fmt.Errorf("explain says: %s", out)
			}
			return err
		})
		s.on(one.host, one.mend)
		if _, err := s.ear.next(ctx, one.object, len(before)+1); err != nil {
			t.Error(err)
		}
		cancel()
	}
}

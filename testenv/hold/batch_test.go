package hold

import (
	"strings"
	"testing"
	"time"
)

// TestABatchThatTheKernelRefusesRollsItsLaneBack: somebody else's rule looks into a set of our firewall, so that the kernel
// does not let the set go. The firewall stays whole, the foreign rule too, another lane goes on.
func TestABatchThatTheKernelRefusesRollsItsLaneBack(t *testing.T) {
	s := onSite(t)
	s.apply(payroll.with("firewall", `firewall: guard: {host: "edge1", interfaces: ["eth2"], default: "accept", deny: [{proto: "tcp", ports: [22], from: ["192.0.2.0/24"]}]}`))
	set := ""
	for _, word := range strings.Fields(s.on("edge1", "nft", "list", "table", "inet", "plumb_fw")) {
		if strings.HasPrefix(word, "@fw-guard") && strings.HasSuffix(word, "/ports") {
			set = word
		}
	}
	if set == "" {
		t.Fatalf("no set is used in\n%s", s.on("edge1", "nft", "list", "table", "inet", "plumb_fw"))
	}
	s.on("edge1", "nft", "add chain inet plumb_fw theirs; add rule inet plumb_fw theirs tcp dport "+set+" drop")
	before := s.on("edge1", "nft", "-s", "list", "table", "inet", "plumb_fw")
	commit := s.push(payroll.with("nat2", forward("extra", 8081)))
	s.settledAs("partly applied", commit, 90*time.Second)
	s.told("PartlyApplied", commit, "rolled back: firewall/guard on edge1")
	if after := s.on("edge1", "nft", "-s", "list", "table", "inet", "plumb_fw"); after != before {
		t.Errorf("the table is not as before:\n%s\nbut\n%s", before, after)
	}
	if n, err := s.Elements(s.ctx, "edge1", "10.1.1.12"); err != nil || n != 2 {
		t.Errorf("edge1 forwards %d ports to the VM, want 2 (%v)", n, err)
	}
	s.on("edge1", "nft", "delete chain inet plumb_fw theirs")
	s.release(s.parked())
	s.settledAs("applied", commit, 30*time.Second)
	if left := s.on("edge1", "nft", "list", "ruleset"); strings.Contains(left, "plumb_fw") {
		t.Errorf("left behind:\n%s", left)
	}
}

package hold

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestRecordsWaitForADeadNameServer: all else goes on, and the loop converges by itself when the server is back.
func TestRecordsWaitForADeadNameServer(t *testing.T) {
	s := onSite(t)
	knot := s.Lab.Service("ns1", "knot")
	if err := knot.Stop(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { knot.Start() })
	commit := s.push(payroll.with("nat2", forward("extra", 8081), "record2", named("extra")))
	s.settledAs("partly applied", commit, 40*time.Second)
	s.told("PartlyApplied", commit, "record/extra.mycompany.com@ns1", "server 127.0.0.1:53 does not answer")
	if n, err := s.Elements(s.ctx, "edge1", "10.1.1.12"); err != nil || n != 2 {
		t.Fatalf("edge1 forwards %d ports to the VM, want 2 (%v)", n, err)
	}
	if err := knot.Start(); err != nil {
		t.Fatal(err)
	}
	s.resolves("extra.mycompany.com", "203.0.113.3", 40*time.Second) // nobody pushes: the loop tries again by itself
	s.settledAs("applied", commit, 40*time.Second)
	s.nothingToDo()
}

// TestANameServerThatFreezesRollsItsLaneBack: the record's lane fails while it is applied, another one goes on.
func TestANameServerThatFreezesRollsItsLaneBack(t *testing.T) {
	s := onSite(t)
	knot := s.Lab.Service("ns1", "knot")
	// The lane makes a VM first, whose port and name come last.
	commit := s.push(payroll.with("disk2", disk("names-disk"), "vm2", machine("names", "names-disk", 13, `power: "stopped"`), "nat2",
		strings.ReplaceAll(forward("names", 8081), "10.1.1.12", "10.1.1.13"), "record2", named("names"), "nat3", strings.ReplaceAll(forward("other", 8082), "203.0.113.3", "203.0.113.4")))
	s.appears("jino0", pool+"names-disk.qcow2")
	if err := knot.Freeze(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { knot.Thaw() })
	s.until(20*time.Second, func() error { // our element is there; another lane and somebody else write beside it
		n, err := s.Elements(s.ctx, "edge1", "10.1.1.13")
		if err == nil && n != 1 {
			err = fmt.Errorf("edge1 has %d elements for the VM", n)
		}
		return err
	})
	s.on("edge1", "nft", "add element ip plumb forwards { 203.0.113.9 . tcp . 99 : 10.1.1.99 . 80 }")
	s.settledAs("partly applied", commit, 100*time.Second)
	s.told("PartlyApplied", commit, "rolled back: record/names.mycompany.com on ns1", "server 127.0.0.1:53")
	if err := knot.Thaw(); err != nil {
		t.Fatal(err)
	}
	s.without("names")
	s.resolves("names.mycompany.com", "", 10*time.Second)
	if n, err := s.Elements(s.ctx, "edge1", "10.1.1.13"); err != nil || n != 0 {
		t.Errorf("edge1 still has %d elements for the VM that was taken back (%v)", n, err)
	}
	if n, err := s.Elements(s.ctx, "edge1", "10.1.1.12"); err != nil || n != 2 {
		t.Errorf("edge1 forwards %d ports in the other lane, want 2 (%v)", n, err)
	}
	if n, err := s.Elements(s.ctx, "edge1", "10.1.1.99"); err != nil || n != 1 {
		t.Errorf("edge1 has %d elements of somebody else, want 1 (%v)", n, err)
	}
	s.on("edge1", "nft", "delete element ip plumb forwards { 203.0.113.9 . tcp . 99 }")
	s.apply(payroll)
	s.nothingToDo()
}

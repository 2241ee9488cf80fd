package hold

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"plumbline/testenv/lab"
)

const pool = "/var/lib/plumb/pools/vmdisks/"

// andVM is the payroll topology with one more VM and its disk; beside them, in a lane of its own, a published port and a name.
func andVM(name string) topology {
	return payroll.with("disk2", disk(name+"-disk"), "vm2", machine(name, name+"-disk", 13), "nat2", forward("extra", 8081), "record2", named("extra"))
}

// TestAFrozenLibvirtdRollsItsLaneBack: libvirtd stops answering while a VM is made.
func TestAFrozenLibvirtdRollsItsLaneBack(t *testing.T) {
	libvirtdFails(t, "frozen", (lab.Control).Freeze, (lab.Control).Thaw)
}

// TestADeadLibvirtdRollsItsLaneBack: libvirtd dies while a VM is made.
func TestADeadLibvirtdRollsItsLaneBack(t *testing.T) {
	libvirtdFails(t, "dead", (lab.Control).Kill, (lab.Control).Start)
}

func libvirtdFails(t *testing.T, vm string, fail, mend func(lab.Control) error) {
	s := onSite(t)
	libvirtd := s.Lab.Service("jino0", "libvirtd")
	commit := s.push(andVM(vm))
	s.appears("jino0", pool+vm+"-disk.qcow2")
	if err := fail(libvirtd); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { mend(libvirtd) })
	begun := time.Now()
	s.resolves("extra.mycompany.com", "203.0.113.3", 20*time.Second)
	st := s.settledAs("partly applied", commit, 100*time.Second)
	t.Logf("settled after %.1f s: %+v", time.Since(begun).Seconds(), st)
	s.told("PartlyApplied", commit, "lane ", "rolled back: vm/"+vm+" on jino0", "libvirtd at /var/run/libvirt/libvirt-sock")
	if err := mend(libvirtd); err != nil {
		t.Fatal(err)
	}
	s.without(vm)
	s.resolves("extra.mycompany.com", "203.0.113.3", 10*time.Second)
	parked := s.parked()
	s.apply(payroll)
	s.nothingToDo()
	s.release(parked)
}

// without wants neither a VM nor its disk to be there.
func (s *scene) without(vm string) {
	s.t.Helper()
	domains, err := s.Domains(s.ctx)
	if err != nil || !slices.Equal(domains, []string{"payroll running"}) {
		s.t.Errorf("virsh has %v (%v)", domains, err)
	}
	if files := s.on("jino0", "ls", "-A", pool); strings.Contains(files, vm) {
		s.t.Errorf("left behind:\n%s", files)
	}
}

// appears waits for a file of a host, looking often.
func (s *scene) appears(host, file string) {
	s.t.Helper()
	path, err := s.Lab.Path(host, file)
	if err != nil {
		s.t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(2 * time.Millisecond) {
		if _, err := os.Stat(path); err == nil {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("%s does not appear on %s\n%s", file, host, s.LogTail())
		}
	}
}

// resolves waits until the name server gives this address for a name; "" = none.
func (s *scene) resolves(name, address string, limit time.Duration) {
	s.t.Helper()
	s.until(limit, func() error {
		got, err := s.Resolved(s.ctx, name)
		if err == nil && got != address {
			err = fmt.Errorf("%s resolves to %q, want %q", name, got, address)
		}
		return err
	})
}

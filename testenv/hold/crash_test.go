package hold

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"plumbline/testenv/site"
)

// TestAKillAtEachWriteOfTheJournal: plumb run dies by kill -9 right after its n-th write while it applies or takes away the
// application, and is started again on the same head, for every n. What it left open must come to an end by itself, every
// lane done in full, as virsh, qemu-img, nft and kdig see it, and no process and no watcher is left, as /proc has it.
func TestAKillAtEachWriteOfTheJournal(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(context.Background(), 8*time.Minute)
	defer cancel()
	s := newSite(t, ctx, site.Options{})
	t.Cleanup(func() {
		if err := s.Down(); err != nil {
			t.Error(err)
		}
	})
	empty := payroll.with("vm", "", "nat", "", "record", "", "disk", "")
	s.crashless()
	s.apply(empty)
	begun, kills := time.Now(), 0
	for n, more := 1, true; more; n++ {
		vm := fmt.Sprintf("payroll%d", n) // a new one each time, or it would be restored and not made
		full := payroll.with("disk", disk(vm+"-disk"), "vm", machine(vm, vm+"-disk", 12, `stop: timeout: "1s"`))
		made := s.crash(n, full)
		s.lanes(vm, true)
		removed := s.crash(n, empty)
		s.lanes(vm, false)
		more = made || removed
		kills += count(made, removed)
	}
	t.Logf("%d kills in %.1f s", kills, time.Since(begun).Seconds())
	if kills < 20 {
		t.Errorf("only %d writes were found to die at", kills)
	}
}

func count(all ...bool) (n int) {
	for _, one := range all {
		if one {
			n++
		}
	}
	return n
}

// crashless starts plumb run without a point where it dies.
func (s *scene) crashless() {
	s.t.Helper()
	s.Env = nil
	if err := s.StartRun(s.ctx); err != nil {
		s.t.Fatal(err)
	}
}

// crash pushes a topology under a plumb run that dies at its n-th write, starts it again, and waits until it has converged.
// False: it did not die, for it has no n-th write.
func (s *scene) crash(n int, p topology) bool {
	s.t.Helper()
	if err := s.StopRun(); err != nil {
		s.t.Fatal(err)
	}
	commit, libvirtd := s.push(p), s.libvirtd()
	s.Env = []string{fmt.Sprintf("PLUMB_CRASH_AT=%d", n)}
	died, err := s.RunUntilDead(s.ctx, commit)
	if err != nil {
		s.t.Fatal(err)
	}
	if died {
		s.crashless()
	}
	s.ends(commit, libvirtd)
	s.nothingToDo()
	s.nothingLeft()
	return died
}

// ends wants a commit to be applied. libvirtd 9.0 itself sometimes crashes when a client is killed; if it did, and a lane was
// taken back for that, the lane is tried again as a person would.
func (s *scene) ends(commit string, libvirtd int) {
	s.t.Helper()
	st, err := s.Settled(s.ctx, commit, time.Minute)
	if err == nil && st.Verdict != "applied" && s.libvirtd() != libvirtd {
		s.t.Logf("libvirtd crashed by itself: %+v", st)
		if len(st.Held) > 0 {
			s.release(s.parked())
		}
		err = s.Applied(s.ctx, commit)
	} else if err == nil && st.Verdict != "applied" {
		err = fmt.Errorf("want applied, got %+v", st)
	}
	if err != nil {
		s.t.Fatalf("%v\n%s", err, s.LogTail())
	}
}

// libvirtd is the process ID of jino0's.
func (s *scene) libvirtd() int {
	s.t.Helper()
	state, err := s.Lab.Service("jino0", "libvirtd").State()
	if err != nil {
		s.t.Fatal(err)
	}
	return state.Pid
}

// lanes judges that all is there, or nothing.
func (s *scene) lanes(vm string, there bool) {
	s.t.Helper()
	domains, err := s.Domains(s.ctx)
	if err != nil {
		s.t.Fatal(err)
	}
	domains = slices.DeleteFunc(domains, func(d string) bool { return strings.Contains(d, ".plumb-retired-") })
	ports, err := s.Elements(s.ctx, "edge1", "10.1.1.12")
	if err != nil {
		s.t.Fatal(err)
	}
	address, err := s.Resolved(s.ctx, "payroll.mycompany.com")
	if err != nil {
		s.t.Fatal(err)
	}
	_, err = os.Stat(s.file("jino0", pool+vm+"-disk.qcow2"))
	got := fmt.Sprintf("%v, %d ports, name %q, disk %t", domains, ports, address, err == nil)
	want := `[], 0 ports, name "", disk false`
	if there {
		want = "[" + vm + ` running], 1 ports, name "203.0.113.3", disk true`
	}
	if got != want {
		s.t.Fatalf("want %s\ngot  %s\n%s", want, got, s.LogTail())
	}
}

// file is where this machine finds a file of a host.
func (s *scene) file(host, file string) string {
	s.t.Helper()
	path, err := s.Lab.Path(host, file)
	if err != nil {
		s.t.Fatal(err)
	}
	return path
}

package hold

import (
	"strings"
	"testing"
	"time"
)

// TestAFullPoolTakesNoVolume: it is told plainly, nothing is left behind, and another lane goes on.
func TestAFullPoolTakesNoVolume(t *testing.T) {
	s := onSite(t)
	const disk, dir = "/var/lib/plumb/tight", "/var/lib/plumb/tight/pool"
	s.on("jino0", "mkdir", "-p", disk)
	s.on("jino0", "mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", disk)
	t.Cleanup(func() { s.On(s.ctx, "jino0", "umount", disk) })
	commit := s.push(payroll.with(
		"tight", `pool: tight: {host: "jino0", dir: "`+dir+`"}`,
		"big", `volume: big: {pool: "tight", size: "64Mi", from: "tiny"}`,
		"nat2", forward("extra", 8081)))
	s.settledAs("partly applied", commit, 40*time.Second)
	s.told("PartlyApplied", commit, "rolled back: volume/big on jino0", "space")
	if left := strings.Fields(s.on("jino0", "ls", "-A", dir)); len(left) != 1 || left[0] != ".plumb-pool" {
		t.Errorf("left behind: %v", left)
	}
	if n, err := s.Elements(s.ctx, "edge1", "10.1.1.12"); err != nil || n != 2 {
		t.Errorf("edge1 forwards %d ports to the VM, want 2 (%v)", n, err)
	}
	s.apply(payroll)
	s.nothingToDo()
}

package hold

import (
	"os"
	"strings"
	"testing"
	"time"

	"plumbline/testenv/lab"
)

// TestALostStateChangesNothingAndIsRebuilt: the state directory is deleted, then an old copy of it put back; plumb run changes
// nothing on any host either way, until plumb recover has rebuilt what it must have known.
func TestALostStateChangesNothingAndIsRebuilt(t *testing.T) {
	s := onSite(t)
	if err := s.StopRun(); err != nil {
		t.Fatal(err)
	}
	old, state := s.Path("old.db"), s.Path("state")
	journal, err := os.ReadFile(s.Path("state", "journal.db"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(old, journal, 0o600); err != nil {
		t.Fatal(err)
	}
	s.crashless()
	changed := payroll.with("nat2", forward("more", 81))
	s.apply(changed)
	s.nothingToDo()

	if err := s.StopRun(); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(state); err != nil {
		t.Fatal(err)
	}
	s.refusedAndUntouched(changed.with("nat3", forward("third", 82)))
	s.recovered("from a state that was deleted")

	if err := os.Rename(old, s.Path("state", "journal.db")); err != nil {
		t.Fatal(err)
	}
	s.refusedAndUntouched(payroll)
	s.recovered("from an old copy")
	s.crashless()
	s.apply(payroll)
	s.nothingToDo()
}

// refusedAndUntouched pushes a topology under a plumb run that does not know what it should: no byte on any host changes.
func (s *scene) refusedAndUntouched(p topology) {
	s.t.Helper()
	before := s.everything()
	commit := s.push(p)
	if err := s.launchOnce(commit); err != nil {
		s.t.Fatal(err)
	}
	if out, err := s.Plumb(s.ctx, "apply", "--auto-approve"); err == nil || !strings.Contains(out+err.Error(), "plumb recover") {
		s.t.Fatalf("apply says %v\n%s", err, out)
	}
	if after := s.everything(); after != before {
		s.t.Fatalf("something changed:\n%s\nis now\n%s", before, after)
	}
}

// launchOnce lets plumb run consider a commit, or end by itself, and stops it.
func (s *scene) launchOnce(commit string) error {
	s.Env = nil
	died, err := s.RunUntilDead(s.ctx, commit)
	if err != nil || died {
		return err
	}
	return s.StopRun()
}

// recovered rebuilds the state of what was applied before the last push, and wants nothing to be left to do for that.
func (s *scene) recovered(what string) {
	s.t.Helper()
	begun := time.Now()
	out, err := s.Plumb(s.ctx, "recover", "--yes")
	if err != nil {
		s.t.Fatalf("%s: %v\n%s", what, err, out)
	}
	_, rest, _ := strings.Cut(out, "from commit ")
	s.t.Logf("recovered %s in %.1f s: %.10s", what, time.Since(begun).Seconds(), rest)
	if plan, err := s.Plumb(s.ctx, "plan", "--detailed-exitcode", rest[:10]); err != nil {
		s.t.Fatalf("%s: the plan of the commit is not empty: %v\n%s\n%s", what, err, out, plan)
	}
}

// everything is what the hosts hold, as their own tools tell it.
func (s *scene) everything() string {
	s.t.Helper()
	return strings.Join([]string{
		s.on("jino0", "sh", "-ec", "virsh -q list --all --name; for d in $(virsh -q list --all --name); do virsh dumpxml --inactive $d; done; virsh -q net-list --all; ls -l "+pool+"; ip -br link"),
		s.on("edge1", "sh", "-ec", "nft -s list ruleset; ip -br address"),
		s.on("ns1", "sh", "-ec", `kdig +short @127.0.0.1 mycompany.com SOA; kdig -k `+lab.KeyFile+` +short @127.0.0.1 mycompany.com AXFR || true`),
	}, "\n")
}

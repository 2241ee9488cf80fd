package reconcile_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"plumbline/reconcile"
	"plumbline/reconcile/journal"
	"plumbline/reconcile/notify"
	"plumbline/reconcile/run"
	"plumbline/schema"
	"plumbline/sources"
)

func declare(name, host, dir string) string {
	return fmt.Sprintf("pool: %q: {host: %q, dir: %q}\n", name, host, dir)
}

func TestANewHeadIsApplied(t *testing.T) {
	s := newScene(t)
	s.run()
	s.applied(s.repo.push("a", ground+declare("p", "h1", "/one")))
	s.applied(s.repo.push("b", ground+declare("p", "h1", "/two")))
	if got := s.world.dir(pool("p", "h1")); got != "/two" {
		t.Errorf("the pool is %q", got)
	}
	s.applied(s.repo.push("c", ground))
	if got := s.world.dir(pool("p", "h1")); got != "" {
		t.Errorf("the removed pool is %q", got)
	}
}

func TestOfQuickPushesTheLastIsApplied(t *testing.T) {
	s := newScene(t)
	s.world.doing, s.world.gate = make(chan string), make(chan struct{})
	s.run()
	s.repo.push("a", ground+declare("p", "h1", "/one"))
	if first := <-s.world.doing; first != "/one" {
		t.Fatalf("began with %s", first)
	}
	s.repo.push("b", ground+declare("p", "h1", "/two"))
	last := s.repo.push("c", ground+declare("p", "h1", "/three"))
	s.world.gate <- struct{}{}
	if second := <-s.world.doing; second != "/three" {
		t.Errorf("went on with %s", second)
	}
	s.world.gate <- struct{}{}
	s.applied(last)
}

func TestARefusedCommitKeepsTheLastGoodOne(t *testing.T) {
	s := newScene(t)
	s.run()
	good := s.repo.push("a", ground+declare("p", "h1", "/one"))
	s.applied(good)
	s.repo.push("b", ground+"pool: p: {host: \"h9\", dir: \"/two\"}\n")
	s.until("refused", func() bool { return s.Status().Verdict == "refused" })
	status := s.Status()
	if status.Applied != good || len(status.Problems) != 1 || !strings.Contains(status.Error, `there is no host "h9"`) {
		t.Errorf("status %+v", status)
	}
	if got := s.world.dir(pool("p", "h1")); got != "/one" {
		t.Errorf("the pool is %q", got)
	}
	if n := s.told(notify.ReasonValidationFailed); n != 1 {
		t.Errorf("told %d times", n)
	}
}

func TestAHostThatWasAwayIsCaughtUpWith(t *testing.T) {
	s := newScene(t)
	s.world.pull("h2", true)
	s.run()
	id := s.repo.push("a", ground+declare("p", "h1", "/one")+declare("q", "h2", "/two"))
	s.until("h1 is done and h2 unknown", func() bool {
		return s.world.dir(pool("p", "h1")) == "/one" && s.Status().Looks["h2"].Err != ""
	})
	s.until("partly applied", func() bool { return s.Status().Verdict == string(run.Partly) })
	if s.Status().Applied == id {
		t.Error("a commit counts as applied while a host is unknown")
	}
	s.repo.changed() // a hint in between loses no retry
	plan := s.Status().Plan
	s.until("it is tried again", func() bool { return s.Status().Plan != plan })
	if n := s.told(notify.ReasonPartlyApplied); n != 1 {
		t.Errorf("told %d times that it waits", n)
	}
	s.world.pull("h2", false)
	s.applied(id)
	if got := s.world.dir(pool("q", "h2")); got != "/two" {
		t.Errorf("the pool is %q", got)
	}
	past, err := s.store.History(10)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range past { // a host that comes back while it is looked at may be known before what stands on it
		if strings.HasPrefix(p.Summary, "no change; 2 refused") {
			t.Errorf("waiting for a host is in the history: %s", p.Summary)
		}
	}
}

func TestABrokenConnectionIsOpenedAnew(t *testing.T) {
	s := newScene(t)
	id := s.repo.push("a", ground+declare("p", "h1", "/one"))
	for range 2 {
		p, err := s.Plan(context.Background(), id)
		if err != nil || len(p.Refusals) > 0 || p.Empty() {
			t.Fatalf("plan %+v, %v", p, err)
		}
		s.world.pull("h1", false)
	}
}

func TestAFailedEffectIsHeldWhileLaterCommitsRun(t *testing.T) {
	s := newScene(t)
	s.run()
	s.repo.push("a", ground+declare("p", "h1", "/fail"))
	s.until("rolled back", func() bool { return s.Status().Verdict == string(run.RolledBack) })
	if held := s.Status().Held; len(held) != 1 || !strings.Contains(held[0], "plumb resume sha256:") {
		t.Errorf("held right after the failure: %q", held)
	}
	s.repo.push("b", ground+declare("p", "h1", "/fail")+declare("q", "h1", "/two"))
	s.until("q is made", func() bool { return s.world.dir(pool("q", "h1")) == "/two" })
	s.until("p is held", func() bool { return len(s.Status().Held) == 1 })
	held := s.Status().Held[0]
	if !strings.Contains(held, "the disk says no") || !strings.Contains(held, "plumb resume sha256:") {
		t.Errorf("held: %s", held)
	}
	s.applied(s.repo.push("c", ground+declare("p", "h1", "/mended")+declare("q", "h1", "/two")))
}

func TestAReleasedEffectIsTriedAgain(t *testing.T) {
	s := newScene(t)
	s.world.doing = make(chan string, 10)
	s.run()
	s.repo.push("a", ground+declare("p", "h1", "/fail"))
	<-s.world.doing
	s.until("parked", func() bool { all, _ := s.store.Parked(); return len(all) == 1 })
	all, _ := s.store.Parked()
	for digest := range all {
		text, err := s.Release(context.Background(), digest[:len("sha256:")+8])
		if err != nil || !strings.Contains(text, "tried again") {
			t.Fatalf("%q, %v", text, err)
		}
	}
	<-s.world.doing
	if _, err := s.Release(context.Background(), "pool/nobody@h1"); err == nil {
		t.Error("released what nobody holds")
	}
}

func TestAnOpenPlanIsTakenUpAtTheStart(t *testing.T) {
	s := newScene(t)
	id := s.repo.push("a", ground+declare("p", "h1", "/one"))
	p, err := s.Plan(context.Background(), id)
	if err != nil {
		t.Fatal(err)
	}
	step := p.Steps[0]
	begun := journal.Record{Plan: p.ID, Lane: step.Lane, Step: step.ID, State: journal.Begun, Before: []byte("{}"), At: time.Now()}
	if err := errors.Join(s.store.Begin(p, time.Now()), s.store.Append(begun)); err != nil {
		t.Fatal(err)
	}
	s.wire()
	s.run()
	s.applied(id)
	open, err := s.store.OpenPlans()
	past, _ := s.store.Plan(p.ID)
	if err != nil || len(open) > 0 || past.Verdict == "" {
		t.Errorf("%d open plans, verdict %q, %v", len(open), past.Verdict, err)
	}
	if got := s.world.dir(pool("p", "h1")); got != "/one" {
		t.Errorf("the pool is %q", got)
	}
}

func TestASuspensionWrittenByHandHolds(t *testing.T) {
	s := newScene(t)
	s.run()
	s.applied(s.repo.push("a", ground))
	file := filepath.Join(s.dir, "suspended.json")
	if err := os.WriteFile(file, []byte("storage is down, call ada"), 0o600); err != nil {
		t.Fatal(err)
	}
	id := s.repo.push("b", ground+declare("p", "h1", "/one"))
	s.until("suspended", func() bool { return s.Status().Suspended != "" && s.Status().Head == id })
	if got := s.world.dir(pool("p", "h1")); got != "" {
		t.Errorf("applied while suspended: %q", got)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	s.applied(id)
	if s.Status().Suspended != "" {
		t.Error("the status still says suspended")
	}
}

func TestASuspensionEndsByItself(t *testing.T) {
	s := newScene(t)
	if err := s.Suspend(context.Background(), reconcile.Suspension{Reason: "a moment", Owner: "ada", Until: time.Now().Add(50 * time.Millisecond)}); err != nil {
		t.Fatal(err)
	}
	id := s.repo.push("a", ground+declare("p", "h1", "/one"))
	s.run()
	s.applied(id)
	if was, err := s.Continue(context.Background()); was || err != nil {
		t.Errorf("%v, %v", was, err)
	}
}

func TestStatusSaysWhatIsAppliedWhoeverOrderedIt(t *testing.T) {
	s := newScene(t)
	s.run()
	old := s.repo.push("a", ground+declare("p", "h1", "/one"))
	s.applied(old)
	objects := s.Status().Objects
	s.applied(s.repo.push("b", ground+declare("p", "h1", "/two")+declare("q", "h1", "/three")))
	if err := s.Suspend(context.Background(), reconcile.Suspension{Reason: "rolled back", Owner: "ada"}); err != nil {
		t.Fatal(err)
	}
	p, err := s.Plan(context.Background(), old)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.ApplySaved(context.Background(), p, nil); err != nil {
		t.Fatal(err)
	}
	if status := s.Status(); status.Applied != old || status.Objects != objects {
		t.Errorf("%s is live with %d objects, and the status says %s with %d", old, objects, status.Applied, status.Objects)
	}
}

func TestAnEmptyTopologyTakesNothingAway(t *testing.T) {
	s := newScene(t)
	s.run()
	good := s.repo.push("a", ground+declare("p", "h1", "/one"))
	s.applied(good)
	s.repo.push("b", "")
	s.until("refused", func() bool { return s.Status().Error == reconcile.ErrEmpty.Error() })
	if s.Status().Applied != good || s.world.dir(pool("p", "h1")) != "/one" {
		t.Errorf("status %+v", s.Status())
	}
}

func TestRewrittenHistoryIsHeldUntilItIsAccepted(t *testing.T) {
	s := newScene(t)
	s.run()
	s.repo.push("a", ground)
	good := s.repo.push("b", ground+declare("p", "h1", "/one"))
	s.applied(good)
	s.repo.rewrite(1)
	other := s.repo.push("c", ground+declare("p", "h1", "/other"))
	s.until("held", func() bool { return strings.Contains(s.Status().Error, "history was rewritten") })
	if s.Status().Applied != good {
		t.Errorf("applied %s", s.Status().Applied)
	}
	if err := s.Rewind(context.Background()); err != nil {
		t.Fatal(err)
	}
	s.applied(other)
}

func TestALostSourceIsToldOnceAndFoundAgain(t *testing.T) {
	s := newScene(t)
	good := s.repo.push("a", ground+declare("p", "h1", "/one")) // before it runs: no head at all is a lost source, too
	s.run()
	s.applied(good)
	s.repo.lose(fmt.Errorf("the server is away: %w", sources.ErrUnreachable))
	s.until("lost", func() bool { return s.Status().Source != "" })
	if s.Status().Verdict != "applied" || s.Status().Applied != good {
		t.Errorf("status %+v", s.Status())
	}
	s.repo.lose(nil)
	s.until("found", func() bool { return s.Status().Source == "" && s.told(notify.ReasonSourceFound) == 1 })
	if n := s.told(notify.ReasonSourceFailed); n != 1 {
		t.Errorf("told %d times", n)
	}
}

// Nothing is parked for a host that does not answer, so nobody else would try again.
func TestAHostThatIsLostBetweenPlanAndRunIsTriedAgain(t *testing.T) {
	s := newScene(t)
	s.run()
	s.applied(s.repo.push("a", ground+declare("p", "h1", "/one")))
	s.world.mu.Lock()
	s.world.looked = s.pullWhen(reconcile.Planning)
	s.world.mu.Unlock()
	commit := s.repo.push("b", ground+declare("p", "h1", "/two"))
	s.until("settled", func() bool {
		return s.Status().Head == commit && s.Status().Phase == reconcile.Waiting && s.Status().Verdict != "applied"
	})
	if held := s.Status().Held; len(held) > 0 {
		t.Errorf("held for a host that did not answer: %q", held)
	}
	s.world.pull("h1", false)
	s.applied(commit)
}

// pullWhen is called after a look: it pulls the cable of h1 in a phase, and waits for the next look before it.
func (s *scene) pullWhen(phase reconcile.Phase) func() {
	return func() {
		if s.Status().Phase == phase {
			s.world.pull("h1", true)
			return
		}
		s.world.mu.Lock()
		defer s.world.mu.Unlock()
		s.world.looked = s.pullWhen(phase)
	}
}

func TestHealBringsBackWhatWasAppliedNotWhatIsPending(t *testing.T) {
	s := newScene(t)
	s.run()
	s.applied(s.repo.push("a", ground+declare("p", "h1", "/one")))
	if err := s.Suspend(context.Background(), reconcile.Suspension{Reason: "night", Owner: "ada"}); err != nil {
		t.Fatal(err)
	}
	s.repo.push("b", ground+declare("p", "h1", "/pending"))
	s.world.sabotage(pool("p", "h1"), "/sabotaged")
	found, err := s.Drift(context.Background())
	if err != nil || len(found.Incidents) != 1 || len(found.Unseen) != 0 {
		t.Fatalf("%+v %v", found, err)
	}
	result, err := s.Heal(context.Background(), []schema.Instance{pool("p", "h1")}, nil)
	if err != nil || result.Verdict != run.Applied {
		t.Fatalf("%+v, %v", result, err)
	}
	if got := s.world.dir(pool("p", "h1")); got != "/one" {
		t.Errorf("the pool is %q", got)
	}
	if _, err := s.Heal(context.Background(), []schema.Instance{pool("nobody", "h1")}, nil); err == nil {
		t.Error("healed what was never applied")
	}
}

func TestAHealIsPlannedAnewWhenTheWorldMoves(t *testing.T) {
	s := newScene(t)
	s.run()
	s.applied(s.repo.push("a", ground+declare("p", "h1", "/one")))
	s.stop()
	s.world.sabotage(pool("p", "h1"), "/sabotaged")
	s.world.looked = func() { s.world.sabotage(pool("p", "h1"), "/elsewhere") }
	result, err := s.Heal(context.Background(), []schema.Instance{pool("p", "h1")}, nil)
	if err != nil || result.Verdict != run.Applied || s.world.looked != nil {
		t.Fatalf("%+v, %v", result, err)
	}
	if got := s.world.dir(pool("p", "h1")); got != "/one" {
		t.Errorf("the pool is %q", got)
	}
}

func TestDriftSaysWhatItCouldNotSee(t *testing.T) {
	s := newScene(t)
	s.run()
	s.applied(s.repo.push("a", ground+declare("p", "h1", "/one")))
	s.stop()
	s.world.pull("h1", true)
	found, err := s.Drift(context.Background())
	if err != nil || len(found.Incidents) != 0 || len(found.Unseen) != 1 || found.Unseen[0].Host != "h1" {
		t.Fatalf("%+v %v", found, err)
	}
}

func TestASavedPlanGoesStale(t *testing.T) {
	s := newScene(t)
	id := s.repo.push("a", ground+declare("p", "h1", "/one"))
	p, err := s.Plan(context.Background(), id)
	if err != nil {
		t.Fatal(err)
	}
	result, err := s.ApplySaved(context.Background(), p, nil)
	if err != nil || result.Verdict != run.Applied {
		t.Fatalf("%+v, %v", result, err)
	}
	if _, err := s.ApplySaved(context.Background(), p, nil); !errors.Is(err, reconcile.ErrStale) {
		t.Errorf("the plan ran twice: %v", err)
	}
	p.Commit = strings.Repeat("9", 40)
	if _, err := s.ApplySaved(context.Background(), p, nil); !errors.Is(err, sources.ErrNoCommit) {
		t.Errorf("a plan of nowhere: %v", err)
	}
}

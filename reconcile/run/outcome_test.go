package run_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"plumbline/actuators"
	"plumbline/reconcile/exec"
	"plumbline/reconcile/inventory"
	"plumbline/reconcile/journal"
	"plumbline/reconcile/plan"
	"plumbline/reconcile/run"
	"plumbline/schema"
)

func toy(name string) schema.Instance { return schema.MakeID("toy", name).On("h1") }

func TestTheErrorNamesObjectHostAndOpOnce(t *testing.T) {
	s := newStage(t, "t1.make", "t1:do-error-half")
	s.play()
	if got := s.result.Lanes[0].Err; got != "toy/t1 on h1: make: the do failed" {
		t.Errorf("%q", got)
	}
}

func TestAFailedEffectIsParkedAndAnAppliedOneReleased(t *testing.T) {
	s := newStage(t, "t1.make | t2.make", "t1:do-error-half")
	must(t, s.store.Begin(&plan.Plan{ID: "p0"}, time.Now()))
	must(t, s.store.End("p0", journal.Ending{Park: map[string]journal.Parked{"sha256:2": {Plan: "p0"}}}))
	s.play()
	parked, err := s.store.Parked()
	must(t, err)
	if p := parked["sha256:1"]; len(parked) != 1 || p.Plan != "p1" || p.Commit != "c1" || !strings.Contains(p.Reason, "the do failed") {
		t.Errorf("%+v", parked)
	}
	if commits, _ := s.store.Commits(); commits.Applied != "" {
		t.Errorf("a commit that was applied in part counts as applied: %+v", commits)
	}
}

func TestWhatChangedOrWasStoppedIsNotParked(t *testing.T) {
	for _, fault := range []string{"t1:changed", "t1:do-stop", "t1:do-die"} {
		s := newStage(t, "t1.set t2.make<t1", fault)
		s.play()
		if parked, _ := s.store.Parked(); len(parked) != 0 {
			t.Errorf("%s: %+v", fault, parked)
		}
		if want := fault == "t1:changed"; s.result.Replan != want {
			t.Errorf("%s: replan is %v", fault, s.result.Replan)
		}
	}
}

func TestTheInventoryFollowsWhatWentThrough(t *testing.T) {
	s := newStage(t, "t1.make | t2.drop | t3.set t4.make<t3", "t4:do-error-half")
	quiet := schema.MakeID("toy", "quiet").On("h1")
	s.plan.Changes = append(s.plan.Changes, &plan.Change{Instance: quiet, Entry: &inventory.Entry{Instance: quiet, Hash: "adopted"}})
	s.play()
	have, err := s.store.Inventory()
	must(t, err)
	got := ""
	for _, i := range []schema.Instance{toy("t1"), toy("t2"), toy("t3"), toy("t4"), quiet} {
		if e := have[i]; e != nil {
			got += fmt.Sprintf("%s=%s ", i.ID.Name(), e.Hash)
		}
	}
	if got != "t1=new t3=old quiet=adopted " {
		t.Errorf("%s", got)
	}
	if e := have[toy("t1")]; e.AppliedAt.IsZero() || !strings.Contains(string(e.State), `"a":20`) {
		t.Errorf("%+v %s", e, e.State)
	}
}

func TestWhatWasSetAsideStaysInTheInventoryAsRetired(t *testing.T) {
	for _, aside := range []map[schema.Instance]config{nil, {}} {
		s := newStage(t, "t1.drop", "")
		s.world.aside = aside
		s.plan.Changes[0].Action = actuators.Retire
		s.play()
		e, err := s.store.Entry(toy("t1"))
		must(t, err)
		switch {
		case aside == nil && e != nil:
			t.Errorf("what is gone for good is in the inventory: %+v", e)
		case aside != nil && (e == nil || e.Retired == nil || e.Hash != "old"):
			t.Errorf("what was set aside is recorded as %+v", e)
		}
	}
}

func TestAnAppliedCommitIsRemembered(t *testing.T) {
	s := newStage(t, "t1.make", "")
	s.play()
	if commits, _ := s.store.Commits(); commits.Applied != "c1" {
		t.Errorf("%+v", commits)
	}
}

func TestAHoldDelaysWhatNeedsTheStepAndNothingElse(t *testing.T) {
	for _, gates := range []bool{false, true} {
		s := newStage(t, "t4.make t1.make~ t2.make<t4,t1 t5.make<t2 t3.make", "")
		if gates {
			throughGates(s.plan, func(actuators.Step) bool { return true })
		}
		s.play()
		at := map[string]time.Time{}
		for _, e := range s.events {
			at[string(e.Type)+" "+e.Step] = e.At
		}
		if wait := at["step_started t2"].Sub(at["step_done t1"]); wait < 30*time.Second {
			t.Errorf("gates %v: t2 began %s after t1", gates, wait)
		}
		if wait := at["step_started t3"].Sub(at["step_done t1"]); wait >= 30*time.Second {
			t.Errorf("gates %v: t3 waited %s for a hold that is not its own", gates, wait)
		}
		if wait := at["step_done t3"].Sub(at["step_done t1"]); wait >= 30*time.Second {
			t.Errorf("gates %v: the loop slept until t2 may start beside t3, which has the only place", gates)
		}
	}
}

func TestAPlanWhoseGatesStandInNoOrderIsRefused(t *testing.T) {
	for want, gates := range map[string][]plan.Gate{
		"step t2: it needs g, which does not stand before it":   {{ID: "g", Needs: []string{"t3"}}},
		"gate g: it needs h, which does not stand before it":    {{ID: "g", Needs: []string{"h"}}, {ID: "h", Needs: []string{"t1"}}},
		"gate t1: it has no ID of its own":                      {{ID: "g", Needs: []string{"t1"}}, {ID: "t1", Needs: []string{"t1"}}},
		"gate g: it needs none, which does not stand before it": {{ID: "g", Needs: []string{"none"}}},
	} {
		s := newStage(t, "t1.make t2.make<g t3.make", "")
		s.plan.Gates = gates
		_, err := run.Run(t.Context(), s.world.input(s.store, s.plan, 0))
		if err == nil || !strings.Contains(err.Error(), want) || len(s.world.trace) != 0 {
			t.Errorf("%v, wanted %s", err, want)
		}
	}
}

func TestAnOpenPlanOfANewerVersionStopsTheStartAndChangesNothing(t *testing.T) {
	s := newStage(t, "t1.make t2.make<t1", "")
	s.plan.Steps[1].Version = 2
	must(t, s.store.Begin(s.plan, time.Now()))
	must(t, s.store.Append(journal.Record{Plan: "p1", Lane: 1, Step: "t1", State: journal.Begun}))
	_, err := run.Resume(context.Background(), s.world.input(s.store, nil, 0))
	if err == nil || !strings.Contains(err.Error(), "step t2: it is version 2 of op make, this plumb knows version 1") {
		t.Errorf("%v", err)
	}
	if open, _ := s.store.OpenPlans(); len(open) != 1 || len(s.world.trace) != 0 {
		t.Errorf("open %d, %v", len(open), s.world.trace)
	}
}

// gone is a pool whose host stops answering after a number of calls, for a while.
type gone struct {
	*world
	after, away int
}

func (g *gone) Get(ctx context.Context, host string) (exec.Executor, error) {
	g.after--
	if g.after < 0 && g.away > 0 {
		g.away--
		return nil, errors.New("no route to host")
	}
	return g.world.Get(ctx, host)
}

// shared keeps one connection until it is dropped.
type shared struct {
	*world
	open         exec.Executor
	dials, drops int
}

func (s *shared) Get(ctx context.Context, host string) (_ exec.Executor, err error) {
	if s.open == nil {
		s.dials++
		s.open, err = s.world.Get(ctx, host)
	}
	return s.open, err
}

func (s *shared) Drop(string) { s.open, s.drops = nil, s.drops+1 }

func TestABrokenConnectionIsDroppedOnceAndTheLookDecides(t *testing.T) {
	s := newStage(t, "t1.make t2.make<t1", "t1:do-broken-after")
	hosts := &shared{world: s.world}
	in := s.world.input(s.store, s.plan, 0)
	in.Hosts = hosts
	res, err := run.Run(context.Background(), in)
	must(t, err)
	if res.Verdict != run.Applied || hosts.dials != 2 || hosts.drops != 1 {
		t.Errorf("%s, %d dials, %d drops", res.Verdict, hosts.dials, hosts.drops)
	}
}

func TestAnUndoWaitsForAHostThatDoesNotAnswer(t *testing.T) {
	for _, c := range []struct {
		away    int
		verdict run.Verdict
	}{{12, run.RolledBack}, {1000, run.Residual}} {
		s := newStage(t, "t1.make t2.make<t1", "t2:do-error-half")
		in := s.world.input(s.store, s.plan, 0)
		in.Hosts = &gone{world: s.world, after: 13, away: c.away}
		res, err := run.Run(context.Background(), in)
		must(t, err)
		if res.Verdict != c.verdict {
			t.Errorf("away for %d calls: %s, want %s: %+v", c.away, res.Verdict, c.verdict, res)
		}
	}
}

func TestAnEffectIsNotParkedForAHostThatDoesNotAnswer(t *testing.T) {
	s := newStage(t, "t1.make t2.make<t1", "")
	in := s.world.input(s.store, s.plan, 0)
	in.Hosts = &gone{world: s.world, away: 1000}
	res, err := run.Run(context.Background(), in)
	must(t, err)
	if parked, _ := s.store.Parked(); len(parked) != 0 || res.Lanes[0].Cause != run.CauseUnreachable || len(s.world.trace) != 0 {
		t.Errorf("%+v %+v", parked, res.Lanes[0])
	}
}

func TestWhatIsStuckIsNamedWithItsReason(t *testing.T) {
	s := newStage(t, "t1.make t2.set<t1", "t2:do-foreign")
	s.play()
	if len(s.result.Residue) != 2 {
		t.Fatalf("%+v", s.result.Residue)
	}
	for _, r := range s.result.Residue {
		want := "it could not be undone: neither as before nor as made"
		if r.Step == "t1" {
			want = "it could not be undone: it was left as it is, because t2 stands on it and is stuck"
		}
		if r.State != journal.Stuck || !strings.HasPrefix(r.Text, want) {
			t.Errorf("%+v", r)
		}
	}
	if e, _ := s.store.Entry(toy("t2")); e == nil || !strings.HasPrefix(e.Stuck, "toy/t2 on h1: set: cannot undo it: ") {
		t.Errorf("%+v", e)
	}
}

func TestWhatIsGoneIsNotFrozen(t *testing.T) {
	s := newStage(t, "t1.set t2.make<t1", "t2:do-error-half t1:undo-gone")
	s.play()
	if len(s.result.Residue) != 1 || !strings.HasPrefix(s.result.Residue[0].Text, "undone, but gone: toy/t1, which was there before the step") {
		t.Errorf("%+v", s.result.Residue)
	}
	if e, _ := s.store.Entry(toy("t1")); e == nil || e.Stuck != "" {
		t.Errorf("%+v", e)
	}
}

func TestAResultSurvivesTheStore(t *testing.T) {
	s := newStage(t, "t1.grow t2.make<t1 | t3.make", "t2:do-error-half")
	s.play()
	past, err := s.store.Plan("p1")
	must(t, err)
	var back run.Result
	must(t, json.Unmarshal(past.Result, &back))
	if past.Verdict != string(run.Partly) || back.Residue[0].State != journal.Kept || back.Lanes[1].Steps[0].State != journal.Done {
		t.Errorf("%s %+v", past.Verdict, back)
	}
}

package run_test

import (
	"plumbline/reconcile/inventory"
	"plumbline/reconcile/journal"
	"plumbline/reconcile/run"
	"plumbline/schema"
)

// verify is the engine's promises.
func (s *scene) verify(t fataler, store *journal.Store, res run.Result, died bool) {
	for _, wrong := range s.world.wrong {
		t.Errorf("%s", wrong)
	}
	records, err := store.Records(s.plan.ID)
	must(t, err)
	last, failed := map[string]journal.State{}, map[int]int{}
	for _, r := range records {
		if r.Step != "" {
			last[r.Step] = r.State
		} else if failed[r.Lane]++; failed[r.Lane] > 1 {
			t.Errorf("lane %d decided twice to go back", r.Lane)
		}
	}
	for step := range s.world.begun {
		if last[step] == "" {
			t.Errorf("%s was acknowledged and is forgotten", step)
		}
	}
	named := map[string]bool{}
	for _, residue := range res.Residue {
		named[residue.Step] = true
	}
	have, err := store.Inventory()
	must(t, err)
	for _, l := range res.Lanes {
		if failed[l.Lane] > 0 && l.Outcome != run.LaneRolledBack {
			t.Errorf("lane %d decided to go back and is %s", l.Lane, l.Outcome)
		}
		s.verifyLane(t, l, last, named, have)
		if !died {
			s.verifyIndependence(t, l, res)
		}
	}
}

// verifyLane: all done, or all undone or named; the inventory says the same as the world.
func (s *scene) verifyLane(t fataler, l run.LaneResult, last map[string]journal.State, named map[string]bool, have inventory.Inventory) {
	kept, stuck := map[schema.Instance]bool{}, map[schema.Instance]bool{}
	for _, step := range s.plan.Steps {
		if step.Lane != l.Lane {
			continue
		}
		state := last[step.ID]
		switch {
		case l.Outcome == run.LaneApplied && state != journal.Done:
			t.Errorf("lane %d is applied, its step %s is %q", l.Lane, step.ID, state)
		case l.Outcome != run.LaneApplied && (state == journal.Done || state == journal.Begun):
			t.Errorf("lane %d is %s, its step %s is %q", l.Lane, l.Outcome, step.ID, state)
		case (state == journal.Kept || state == journal.Stuck) && !named[step.ID]:
			t.Errorf("%s is %s and not named", step.ID, state)
		}
		kept[step.Instance] = kept[step.Instance] || state == journal.Kept
		stuck[step.Instance] = stuck[step.Instance] || state == journal.Stuck
	}
	for _, i := range s.plan.Lanes[l.Lane-1].Objects {
		entry := have[i]
		if stuck[i] {
			if entry == nil || entry.Stuck == "" {
				t.Errorf("%s is stuck and not frozen", i)
			}
			continue
		}
		s.verifyObject(t, l, i, kept[i], entry)
	}
}

func (s *scene) verifyObject(t fataler, l run.LaneResult, i schema.Instance, kept bool, entry *inventory.Entry) {
	want, wantThere := s.initial[i]
	if l.Outcome == run.LaneApplied {
		want, wantThere = s.final[i]
	}
	is, there := s.world.toys[i]
	if kept && is.Size == 50 {
		want.Size = 50
	}
	if there != wantThere || is != want {
		t.Errorf("lane %d is %s, %s is %+v %v, want %+v %v", l.Lane, l.Outcome, i, is, there, want, wantThere)
	}
	wantHash := ""
	if s.prior[i] != nil {
		wantHash = s.prior[i].Hash
	}
	if l.Outcome == run.LaneApplied {
		if wantHash = "new"; s.plan.Change(i).Entry == nil {
			wantHash = ""
		}
	}
	hash := ""
	if entry != nil {
		hash = entry.Hash
	}
	if hash != wantHash && !(kept && hash == "new") {
		t.Errorf("lane %d is %s, the inventory has %s as %q, want %q", l.Lane, l.Outcome, i, hash, wantHash)
	}
}

// verifyIndependence: a lane goes through exactly if nothing in it goes wrong and the lanes that it needs go through.
func (s *scene) verifyIndependence(t fataler, l run.LaneResult, res run.Result) {
	want := run.LaneApplied
	for _, step := range s.plan.Steps {
		if step.Lane != l.Lane {
			continue
		}
		switch s.faults["do "+step.ID] {
		case "error before", "error half", "unknown half", "never", "foreign":
			want = run.LaneRolledBack
		}
		if s.faults["confirm "+step.ID] == "error" || s.faults["preflight "+step.ID] == "error" || s.faults["capture "+step.ID] == "error" || s.changed[step.Instance] {
			want = run.LaneRolledBack
		}
	}
	for _, need := range s.plan.Lanes[l.Lane-1].Needs {
		if res.Lanes[need-1].Outcome != run.LaneApplied {
			want = run.LaneBlocked
		}
	}
	if l.Outcome != want {
		t.Errorf("lane %d is %s (%s), want %s", l.Lane, l.Outcome, l.Err, want)
	}
}

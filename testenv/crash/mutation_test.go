package crash

import (
	"context"
	"slices"
	"testing"

	"plumbline/reconcile/exec"
	"plumbline/reconcile/journal"
)

// breaker is a rule that an engine breaks. The zero value breaks none.
type breaker struct {
	forgetsBegun   bool // Do without a record of begun on the disk
	forgetsDone    bool // acknowledged records of done are not on the disk
	forgetsFailed  bool // the decision to go back is not on the disk
	forgetsStuck   bool // an undo that failed is not on the disk
	forgetsUndo    bool // says that it undid, and did not
	forgetsConfirm bool // says that it confirmed, and did not
	capturesAgain  bool // what was there before is asked for again after a crash
	forgetsEntries bool // the inventory does not follow in the transaction of the record
}

// kept is what is written of records.
func (b breaker) kept(records []journal.Record) []journal.Record {
	if b.forgetsEntries {
		records = slices.Clone(records)
		for n := range records {
			records[n].Update = nil
		}
	}
	return slices.DeleteFunc(slices.Clone(records), func(r journal.Record) bool {
		return b.forgetsBegun && r.State == journal.Begun || b.forgetsDone && r.State == journal.Done || b.forgetsFailed && r.State == journal.Failed || b.forgetsStuck && r.State == journal.Stuck
	})
}

func (b breaker) recaptured(ctx context.Context, host exec.Executor, c exec.Call) exec.Call {
	if b.capturesAgain {
		if before, err := host.Capture(ctx, c); err == nil {
			c.Before = before
		}
	}
	return c
}

// TestAnEngineThatBreaksARuleIsCaught: the campaign finds each of these within one scene, so that it can fail.
func TestAnEngineThatBreaksARuleIsCaught(t *testing.T) {
	for name, m := range map[string]struct {
		breaker
		scene, fault string
	}{
		"begun is not synced":         {breaker{forgetsBegun: true}, "create", ""},
		"done is not synced":          {breaker{forgetsDone: true}, "create", ""},
		"undo does nothing":           {breaker{forgetsUndo: true}, "create", "refuse"},
		"confirm does nothing":        {breaker{forgetsConfirm: true}, "confirm", ""},
		"before is captured again":    {breaker{capturesAgain: true}, "create", "refuse"},
		"the inventory follows later": {breaker{forgetsEntries: true}, "create", ""},
		"failed is not synced":        {breaker{forgetsFailed: true}, "create", "refuse"},
		"stuck is not synced":         {breaker{forgetsStuck: true}, "create", "stuck"},
	} {
		t.Run(name, func(t *testing.T) {
			s := set(t, *find(t, m.scene))
			p := newPlayer(t, s)
			p.breaker = m.breaker
			for _, c := range s.cases() {
				if m.fault != "" && c.how != m.fault {
					continue
				}
				for n := 1; ; n++ {
					c.deaths = []int{n}
					got := p.play(c)
					if len(got.wrong) > 0 {
						t.Logf("caught at %s: %s", c, got.wrong[0])
						return
					}
					if got.deaths == 0 {
						break
					}
				}
			}
			t.Errorf("nobody noticed")
		})
	}
}

package conform

import (
	"context"
	"encoding/json"
	"strings"
	"sync"

	"plumbline/actuators"
)

// walk goes through all specs: the first is created, the others are updates.
func (s *suite) walk() {
	s.t.Helper()
	for n := range s.c.Specs {
		s.want(n)
		s.at("spec %d", n)
		s.change(s.spec)
		s.at("spec %d, applied", n)
		s.listed = true
		s.converged()
	}
}

// change goes from what is there to what is wanted, nil for nothing: every step exercised, then all of them undone and
// done again.
func (s *suite) change(want json.RawMessage) {
	s.t.Helper()
	start, others := s.look(), s.others()
	d := s.diff(want, start)
	if d.Action == actuators.None {
		s.fail("there is nothing to do; a spec of a case must differ from the one before")
	}
	steps, err := s.plan(d, want, start)
	if err != nil {
		s.fail("cannot plan: %v", err)
	}
	if len(steps) == 0 {
		s.fail("the difference %s has no steps", d.Action)
	}
	where := s.where
	s.each(steps, s.exercise)
	if s.undoAll(start) {
		s.each(steps, s.simply)
	}
	s.where = where
	if now := s.others(); now != others {
		s.fail("something else was touched.\nbefore:\n%s\nafter:\n%s", others, now)
	}
}

// each runs steps one after the other and remembers what was captured.
func (s *suite) each(steps []actuators.Step, run func(actuators.Step) done) {
	s.t.Helper()
	where := s.where
	s.ran = nil
	for _, st := range steps {
		s.at("%s, step %s", where, st.Op)
		s.ran = append(s.ran, run(st))
	}
	s.where = where
}

// undoAll takes the steps back in reverse; false when one of them cannot be.
func (s *suite) undoAll(start actuators.HaveJSON) bool {
	s.t.Helper()
	where, exact := s.where, true
	for _, one := range s.ran {
		if !one.undoable() {
			return false
		}
		exact = exact && one.step.Reversal == actuators.Exact
	}
	for i := len(s.ran) - 1; i >= 0; i-- {
		s.at("%s, undo of all its steps, at %s", where, s.ran[i].step.Op)
		s.undo(s.ran[i])
	}
	s.at("%s, undo of all its steps", where)
	_, why := s.await(s.ran[0].step.Timeout, func(have actuators.HaveJSON) string { return same(start, have) })
	if why != "" && exact {
		s.fail("it is not as before: %s", why)
	}
	s.where = where
	return true
}

// converged demands that nothing is left to do, and that all ways of looking agree.
func (s *suite) converged() {
	s.t.Helper()
	have := s.look()
	if have.Here == nil {
		s.fail("it is not there after it was applied")
	}
	if !have.Owned {
		s.fail("it carries no mark of ours: %s", whose(have.Mark))
	}
	if have.Mark != nil && have.Mark.ID != s.c.ID {
		s.fail("its mark is of %s", have.Mark.ID)
	}
	if d := s.diff(s.spec, have); d.Action != actuators.None {
		s.fail("still to do: %s %s", d.Action, encode(d.Changes))
	}
	if why := same(have, s.pick(s.observe(true))); why != "" {
		s.fail("looking at all of the kind differs from looking at it alone: %s", why)
	}
	s.lookInVain()
}

// lookInVain looks with a context that has ended: an error, or the truth, but never an absence.
func (s *suite) lookInVain() {
	s.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, all := range []bool{true, false} {
		found, err := s.driver.observe(ctx, s.scope(all))
		if err == nil && s.pick(found).Here == nil && s.unknown(found) == "" {
			s.fail("a look that had no time says that it is absent")
		}
	}
}

// sabotage lets somebody else change the object; it must be seen and mended.
func (s *suite) sabotage() {
	s.t.Helper()
	for _, sabotage := range s.c.Sabotage {
		s.at("sabotage %q", sabotage.Name)
		whole := s.native()
		sabotage.Do()
		have := s.look()
		d := s.diff(s.spec, have)
		if d.Action == actuators.None {
			s.fail("it is not seen; observed %s", have.Here)
		}
		if sabotage.Path != "" && !names(d, sabotage.Path) {
			s.fail("it is seen, but not as %s: %s", sabotage.Path, encode(d.Changes))
		}
		s.mend(sabotage, d, have)
		s.converged()
		if now := s.native(); now != whole {
			s.fail("it is mended, but not as it was.\nbefore:\n%s\nafter:\n%s", whole, now)
		}
	}
}

func (s *suite) mend(sabotage Sabotage, d actuators.Diff, have actuators.HaveJSON) {
	s.t.Helper()
	if sabotage.Mend != nil {
		sabotage.Mend()
		return
	}
	steps, err := s.plan(d, s.spec, have)
	if err != nil {
		s.fail("cannot plan to mend it: %v", err)
	}
	s.each(steps, s.simply)
}

// names tells whether a difference has the path or one below it.
func names(d actuators.Diff, path string) bool {
	for _, c := range d.Changes {
		if c.Path == path || strings.HasPrefix(c.Path, path+".") {
			return true
		}
	}
	return false
}

// broken makes looking impossible; a look must fail, never say that nothing is there.
func (s *suite) broken() {
	s.t.Helper()
	for _, breakage := range s.c.Broken {
		s.at("broken by %q", breakage.Name)
		others := ""
		if breakage.Alone {
			others = s.others()
		}
		found := s.inTheDark(breakage)
		if shown := s.pictured(found, s.notOurs); breakage.Alone && shown != others {
			s.fail("it hides others, too.\nbefore:\n%s\nnow:\n%s", others, shown)
		}
		s.at("mended after %q", breakage.Name)
		s.converged()
	}
}

// inTheDark looks while it is broken, and gives what a look at the whole kind shows nevertheless.
func (s *suite) inTheDark(b Breakage) []actuators.Observed {
	s.t.Helper()
	mend := b.Break()
	defer mend()
	var found [2][]actuators.Observed
	var errs [2]error
	var both sync.WaitGroup // at once, for each may need all its time
	for i, all := range []bool{true, false} {
		both.Go(func() {
			ctx, cancel := context.WithTimeout(context.Background(), darkTimeout)
			defer cancel()
			found[i], errs[i] = s.driver.observe(ctx, s.scope(all))
		})
	}
	both.Wait()
	for i, err := range errs {
		why := s.unknown(found[i])
		switch {
		case err != nil && b.Alone:
			s.fail("a look (all: %v) that cannot see one thing sees none: %v", i == 0, err)
		case err == nil && why == "":
			s.fail("a look (all: %v) that cannot see gives an answer: %s", i == 0, encode(found[i]))
		case err != nil:
			why = err.Error()
		}
		s.open("the error of a look", []byte(why))
	}
	return found[0]
}

// unknown is why a look could not see the object, or "" when it says nothing of the sort.
func (s *suite) unknown(found []actuators.Observed) string {
	for _, one := range found {
		if one.ID == s.c.ID && one.Unknown != "" {
			return one.Unknown
		}
	}
	return ""
}

// removal takes the object away, and brings it back and away again when it was only set aside.
func (s *suite) removal() {
	s.t.Helper()
	s.at("removal")
	s.change(nil)
	s.absent()
	if s.look().Retired == nil {
		return
	}
	s.at("restore")
	d := s.diff(s.spec, s.look())
	if d.Action != actuators.Restore {
		s.fail("it is set aside and declared again, but to be done is %s", d.Action)
	}
	s.change(s.spec)
	s.converged()
	s.at("removal after restore")
	s.change(nil)
	s.absent()
	s.purge()
}

// purge destroys all that was set aside on the way, each by a step of its own, and nothing else.
func (s *suite) purge() {
	s.t.Helper()
	for n := 0; ; n++ {
		have, others := s.look(), s.others()
		if have.Retired == nil {
			return
		}
		s.at("purge")
		steps, err := s.plan(actuators.Diff{Action: actuators.Purge}, nil, actuators.HaveJSON{Retired: have.Retired})
		if err != nil || len(steps) != 1 || steps[0].Reversal != actuators.NoReversal {
			s.fail("it takes one step with the reversal none, not %s: %v", encode(steps), err)
		}
		one := s.begin(steps[0])
		for range 2 {
			if err := s.run(one, nil); err != nil {
				s.fail("do: %v", err)
			}
		}
		s.absent()
		if now := s.others(); now != others {
			s.fail("something else was touched.\nbefore:\n%s\nafter:\n%s", others, now)
		}
		if n == maxCalls {
			s.fail("it is still set aside: %s", have.Retired)
		}
	}
}

func (s *suite) absent() {
	s.t.Helper()
	have := s.look()
	if have.Here != nil {
		s.fail("it is still there: %s", have.Here)
	}
	if d := s.diff(nil, have); d.Action != actuators.None {
		s.fail("it is gone and still to do is %s", d.Action)
	}
}

package conform

import (
	"context"
	"encoding/json"
	"errors"

	"plumbline/actuators"
)

// foreign puts somebody else's thing in the place of the wanted one: it is seen as not ours, refused, and stays as it is,
// whatever was planned before it came. Adopted, it carries our mark; given back, it is as it was.
func (s *suite) foreign() {
	s.t.Helper()
	if s.c.Foreign == nil {
		return
	}
	s.at("foreign")
	create := s.planned(s.spec, actuators.HaveJSON{})
	before := s.picture(everything)
	s.c.Foreign()
	have := s.look()
	if have.Here == nil {
		s.fail("it is not seen")
	}
	if have.Owned {
		s.fail("it is taken for ours, by the mark %s", whose(have.Mark))
	}
	s.refused("create", create, true)
	s.stale("update", s.spec, have)
	s.stale("removal", nil, have)
	s.adopted(have)
	s.c.NotForeign()
	s.at("after the foreign thing is gone")
	if now := s.picture(everything); now != before {
		s.fail("something was left or lost.\nbefore:\n%s\nafter:\n%s", before, now)
	}
}

// planned gives the steps between two states that need not be real.
func (s *suite) planned(want json.RawMessage, have actuators.HaveJSON) []actuators.Step {
	s.t.Helper()
	steps, err := s.plan(s.diff(want, have), want, have)
	if err != nil {
		s.fail("cannot plan: %v", err)
	}
	return steps
}

// stale runs what would have been planned, had the thing been ours when the plan was made.
func (s *suite) stale(name string, want json.RawMessage, have actuators.HaveJSON) {
	s.t.Helper()
	mark := s.subject().Mark
	have.Owned, have.Mark = true, &mark
	steps, err := s.plan(s.diff(want, have), want, have)
	if err == nil {
		s.refused(name, steps, false)
	}
}

// refused runs steps against the foreign thing until one is refused. It must stay as it is, byte by byte.
func (s *suite) refused(name string, steps []actuators.Step, loud bool) {
	s.t.Helper()
	where := s.where
	picture, native := s.picture(everything), s.native()
	var refusal error
	for _, st := range steps {
		s.at("%s, a %s that was planned before it came, step %s", where, name, st.Op)
		if refusal = s.try(st); refusal != nil {
			break
		}
	}
	if now := s.picture(everything); now != picture {
		s.fail("it was touched.\nbefore:\n%s\nafter:\n%s", picture, now)
	}
	if now := s.native(); now != native {
		s.fail("it was touched.\nbefore:\n%s\nafter:\n%s", native, now)
	}
	if loud && !errors.Is(refusal, actuators.ErrForeign) {
		s.fail("it is not refused as foreign, but: %v", refusal)
	}
	s.where = where
}

// try runs one step: a refusal may come from each verb. What was begun is undone, as the engine does.
func (s *suite) try(st actuators.Step) error {
	ctx, cancel := context.WithTimeout(context.Background(), st.Timeout)
	defer cancel()
	if err := s.driver.preflight(ctx, st); err != nil {
		return err
	}
	before, err := s.driver.capture(ctx, st)
	if err != nil {
		return err
	}
	if err = s.driver.do(ctx, st, before, nil); err == nil {
		return nil
	}
	if op, _ := s.c.Kind.Op(st.Op); op.Undo != nil {
		if undo := s.driver.undo(ctx, st, before); undo != nil && !errors.Is(undo, actuators.ErrStuck) && !errors.Is(undo, actuators.ErrForeign) {
			err = errors.Join(err, undo)
		}
	}
	return err
}

// adopted takes the thing over, which writes marks and nothing else, and gives it back.
func (s *suite) adopted(have actuators.HaveJSON) {
	s.t.Helper()
	d := s.diff(s.spec, have)
	if d.Action != actuators.Adopting || have.Mark != nil {
		return
	}
	where, native := s.where, s.native()
	steps, err := s.plan(d, s.spec, have)
	if err != nil {
		s.at("%s, adopting", where)
		s.fail("cannot plan: %v", err)
	}
	s.at("%s, adopting", where)
	s.each(steps, s.exercise)
	now := s.look()
	if !now.Owned && !s.c.Kind.Unmarked {
		s.fail("it is not ours: %s", whose(now.Mark))
	}
	if ok, difference := actuators.SameConfig(have.Here, now.Here); !ok {
		s.fail("it was changed: %s", difference)
	}
	if !s.undoAll(have) {
		s.fail("an adoption must be undone")
	}
	if now := s.native(); now != native {
		s.fail("given back it is not as it was.\nbefore:\n%s\nafter:\n%s", native, now)
	}
	s.where = where
}

package conform

import (
	"encoding/json"
	"slices"

	"plumbline/actuators"
	"plumbline/schema"
)

// earlier is what the object is renamed from.
type earlier struct {
	id   schema.ID
	spec json.RawMessage
}

// renamed gives the object another name in place, every step exercised, then all of them undone and done again, and its first
// name after that.
func (s *suite) renamed() {
	s.t.Helper()
	if s.c.Renamed == nil {
		return
	}
	first := earlier{s.c.ID, s.spec}
	second := earlier{id: s.c.Renamed.ID}
	var err error
	if second.spec, err = json.Marshal(s.c.Renamed.Spec); err != nil {
		s.fail("cannot write the spec: %v", err)
	}
	whole, others := s.native(), s.picture(s.notOurs)
	s.at("renamed to %s", second.id)
	s.rename(first, second, s.exercise)
	s.at("renamed to %s, applied", second.id)
	s.arrived()
	s.at("renamed back")
	s.rename(second, first, s.simply)
	s.arrived()
	if now := s.native(); now != whole {
		s.fail("it is renamed back, but not as it was.\nbefore:\n%s\nafter:\n%s", whole, now)
	}
	if now := s.picture(s.notOurs); now != others {
		s.fail("something else was touched.\nbefore:\n%s\nafter:\n%s", others, now)
	}
}

// rename plans as the engine does: what gives the name, and then what differs from the state that this leaves.
func (s *suite) rename(from, to earlier, run func(actuators.Step) done) {
	s.t.Helper()
	start := s.look()
	s.was, s.c.ID, s.spec = &from, to.id, to.spec
	if here := s.look().Here; here != nil {
		s.fail("something is there under the new name before: %s", here)
	}
	steps, after, err := s.c.Kind.Rename(s.subject(), from.id, s.spec, start)
	if err != nil {
		s.fail("cannot plan: %v", err)
	}
	have := actuators.HaveJSON{Here: after, Mark: &actuators.Mark{Installation: s.c.Installation, ID: to.id}, Owned: true}
	if d := s.diff(s.spec, have); d.Action != actuators.None {
		more, err := s.c.Kind.Steps(s.subject(), d, s.spec, have)
		if err != nil {
			s.fail("cannot plan what else differs: %v", err)
		}
		steps = append(steps, more...)
	}
	native := s.native()
	steps = s.numbered(steps)
	s.each(steps, run)
	if !s.undoAll(actuators.HaveJSON{}) {
		return
	}
	if why := same(start, s.lookEarlier()); why != "" && s.exact() {
		s.fail("all its steps are undone, but %s is not as before: %s", from.id, why)
	}
	if now := s.native(); now != native && s.exact() {
		s.fail("all its steps are undone, but it is not as it was.\nbefore:\n%s\nafter:\n%s", native, now)
	}
	s.each(steps, s.simply)
}

// exact tells whether every step that ran restores what was there.
func (s *suite) exact() bool {
	return !slices.ContainsFunc(s.ran, func(one done) bool { return one.step.Reversal != actuators.Exact })
}

// arrived demands that it is there under its new name alone, and forgets the earlier one.
func (s *suite) arrived() {
	s.t.Helper()
	if here := s.lookEarlier().Here; here != nil {
		s.fail("it is still there as %s: %s", s.was.id, here)
	}
	s.was = nil
	s.converged()
}

// lookEarlier is what is there under the earlier name.
func (s *suite) lookEarlier() actuators.HaveJSON {
	s.t.Helper()
	if s.was == nil {
		return actuators.HaveJSON{}
	}
	return s.pickOf(s.was.id, s.observe(false))
}

// earlierAsBefore names what differs under the earlier name from what was there before a step.
func (s *suite) earlierAsBefore(one done) string {
	s.t.Helper()
	if s.was == nil {
		return ""
	}
	if why := same(one.was, s.lookEarlier()); why != "" {
		return string(s.was.id) + ": " + why
	}
	return ""
}

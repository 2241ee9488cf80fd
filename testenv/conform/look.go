package conform

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"plumbline/actuators"
	"plumbline/schema"
)

const lookTimeout = 30 * time.Second

// observe looks with the spec that tells where, and fails on an error.
func (s *suite) observe(all bool) []actuators.Observed {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), lookTimeout)
	defer cancel()
	sc := s.scope(all)
	before := s.stamp(ctx, sc)
	found, err := s.driver.observe(ctx, sc)
	if err != nil {
		s.fail("cannot observe: %v", err)
	}
	for _, one := range found {
		s.open("the observed state", one.State)
		if one.Unknown != "" && one.ID == s.c.ID {
			s.fail("cannot see it: %s", one.Unknown)
		}
	}
	if before != "" && before == s.stamp(ctx, sc) {
		s.stamps.hold(s, sc, before, found)
	}
	return found
}

func (s *suite) scope(all bool) actuators.Scope {
	sc := actuators.Scope{All: all, Targets: []actuators.Target{{ID: s.c.ID, Spec: s.spec}}}
	if s.was != nil {
		sc.Targets = append(sc.Targets, actuators.Target{ID: s.was.id, Spec: s.was.spec})
	}
	return sc
}

// look observes the object alone.
func (s *suite) look() actuators.HaveJSON { s.t.Helper(); return s.pick(s.observe(false)) }

// pick gathers what is there of the object, as the engine does.
func (s *suite) pick(found []actuators.Observed) actuators.HaveJSON { return s.pickOf(s.c.ID, found) }

func (s *suite) pickOf(id schema.ID, found []actuators.Observed) actuators.HaveJSON {
	var have actuators.HaveJSON
	for _, one := range found {
		ours := one.Mark != nil && one.Mark.Installation == s.c.Installation
		switch {
		case one.ID != id:
		case one.Retired && ours:
			have.Retired = one.State
		case one.Retired, have.Here != nil && !ours:
		default:
			have.Here, have.Mark = one.State, one.Mark
			have.Owned = ours || (one.Mark == nil && s.c.Kind.Unmarked && s.listed)
		}
	}
	return have
}

// same names the first difference between what must be equal: config, mark, and what is set aside.
func same(want, have actuators.HaveJSON) string {
	if ok, difference := actuators.SameConfig(want.Here, have.Here); !ok {
		return difference
	}
	if w, h := whose(want.Mark), whose(have.Mark); w != h {
		return fmt.Sprintf("its mark is %s, not %s", h, w)
	}
	if want.Retired == nil {
		return "" // an undo may set aside what was written since: data is never deleted
	}
	if ok, difference := actuators.SameConfig(want.Retired, have.Retired); !ok {
		return "set aside: " + difference
	}
	return ""
}

// whose is the part of a mark that an undo must restore; its hash only informs.
func whose(m *actuators.Mark) string {
	if m == nil {
		return "absent"
	}
	return m.Installation + " " + string(m.ID)
}

// picture is everything observed, and what the system's own tools show, as one text. Status is no part of it, for it may
// move by itself; of what we set aside nothing is.
func (s *suite) picture(keep func(actuators.Observed) bool) string {
	s.t.Helper()
	return s.pictured(s.observe(true), keep)
}

func (s *suite) pictured(found []actuators.Observed, keep func(actuators.Observed) bool) string {
	var lines []string
	for _, one := range found {
		ours := one.Mark != nil && one.Mark.Installation == s.c.Installation
		if one.ID == s.c.ID && one.Retired && ours || !keep(one) {
			continue
		}
		lines = append(lines, fmt.Sprintf("%s mark %s retired %v %s", one.ID, whose(one.Mark), one.Retired, config(one.State)))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func everything(actuators.Observed) bool { return true }

// others is the picture of what is not the object.
func (s *suite) others() string {
	s.t.Helper()
	return s.picture(s.notOurs)
}

func (s *suite) notOurs(one actuators.Observed) bool {
	return one.ID != s.c.ID && (s.was == nil || one.ID != s.was.id)
}

func (s *suite) native() string {
	if s.c.Native == nil {
		return ""
	}
	return s.c.Native()
}

func config(state json.RawMessage) string {
	var halves struct {
		Config json.RawMessage `json:"config"`
	}
	if err := json.Unmarshal(state, &halves); err != nil {
		return err.Error()
	}
	return string(halves.Config)
}

// await looks until nothing differs, and gives the last difference when the time is over.
func (s *suite) await(limit time.Duration, difference func(actuators.HaveJSON) string) (actuators.HaveJSON, string) {
	s.t.Helper()
	return s.awaitFor(s.patience(limit), difference)
}

// patience is how long a state may take to show.
func (s *suite) patience(limit time.Duration) time.Duration {
	if s.c.Patience > 0 {
		return s.c.Patience
	}
	return limit
}

func (s *suite) awaitFor(limit time.Duration, difference func(actuators.HaveJSON) string) (actuators.HaveJSON, string) {
	s.t.Helper()
	pause := 5 * time.Millisecond
	for deadline := time.Now().Add(limit); ; {
		have := s.look()
		why := difference(have)
		if why == "" || time.Now().Add(pause).After(deadline) {
			return have, why
		}
		time.Sleep(pause)
		pause = min(2*pause, 500*time.Millisecond)
	}
}

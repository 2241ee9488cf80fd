package conform

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"plumbline/actuators"
)

// stamps remembers what each stamp of each scope stood for: one that stands for two states would have the engine believe
// that nothing changed.
type stamps struct {
	seen map[string]string // scope and stamp → what was observed
}

// stamp asks the kind for its stamp; "" when it has none.
func (s *suite) stamp(ctx context.Context, sc actuators.Scope) string {
	s.t.Helper()
	if s.c.Kind.Stamp == nil {
		return ""
	}
	stamp, err := s.driver.stamp(ctx, sc)
	if err != nil {
		s.fail("cannot stamp: %v", err)
	}
	s.open("the stamp", []byte(stamp))
	return stamp
}

// hold notes what was found while a stamp stayed the same, and fails when it stood for something else before.
func (m *stamps) hold(s *suite, sc actuators.Scope, stamp string, found []actuators.Observed) {
	s.t.Helper()
	var lines []string
	for _, one := range found {
		lines = append(lines, fmt.Sprintf("%s mark %s retired %v %s", one.ID, whose(one.Mark), one.Retired, config(one.State)))
	}
	slices.Sort(lines)
	key, picture := string(encode(sc))+stamp, strings.Join(lines, "\n")
	if m.seen == nil {
		m.seen = map[string]string{}
	}
	if before, known := m.seen[key]; known && before != picture {
		s.fail("the stamp %q stands for two states.\nbefore:\n%s\nnow:\n%s", stamp, before, picture)
	}
	m.seen[key] = picture
}

// rested demands that a stamp which is given at all is one when nothing changes, and stays it.
func (s *suite) rested() {
	s.t.Helper()
	if s.c.Kind.Stamp == nil {
		return
	}
	s.at("at rest")
	ctx, cancel := context.WithTimeout(context.Background(), lookTimeout)
	defer cancel()
	sc := s.scope(true)
	last := "" // of the stamps
	for deadline := time.Now().Add(s.patience(lookTimeout / 3)); ; time.Sleep(actuators.StampRest / 2) {
		now := s.stamp(ctx, sc)
		if now != "" && now == last {
			return
		}
		if time.Now().After(deadline) {
			s.fail("its stamp is %q and then %q while nothing changes: it never holds", last, now)
		}
		last = now
	}
}

// watched demands that a watch says when it stands.
func (s *suite) watched() {
	s.t.Helper()
	if s.c.Kind.Watch == nil {
		return
	}
	s.at("watching")
	ctx, cancel := context.WithTimeout(context.Background(), lookTimeout)
	defer cancel()
	first, ended := make(chan actuators.Event, 1), make(chan error, 1)
	go func() {
		ended <- s.driver.watch(ctx, func(e actuators.Event) {
			select {
			case first <- e:
			default:
			}
		})
	}()
	select {
	case e := <-first:
		if !e.Standing {
			s.fail("its first event does not say that it stands, but: %+v", e)
		}
	case err := <-ended:
		s.fail("cannot watch: %v", err)
	}
	cancel()
	<-ended
}

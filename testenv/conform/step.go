package conform

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"plumbline/actuators"
)

const darkTimeout = 5 * time.Second

// maxCalls bounds at how many calls to the host a Do is cut.
const maxCalls = 12

// undoTries is how often a run tries to take a step back.
const undoTries = 3

// betweenTries is how long it may look as if an undo had been in vain before it is tried again.
const betweenTries = 3 * time.Second

// done is a step that ran, with what was there before.
type done struct {
	step   actuators.Step
	op     *actuators.ErasedOp
	have   actuators.HaveJSON
	before json.RawMessage
	was    actuators.HaveJSON // what was there under the earlier name
	took   time.Duration
}

func (d done) undoable() bool { return d.op.Undo != nil }

// exercise does everything to a step that a run may do, and leaves it done.
func (s *suite) exercise(st actuators.Step) done {
	s.t.Helper()
	one := s.begin(st)
	if one.undoable() {
		s.undone(one, "an Undo without a Do", 1)
		s.cutByCalls(one)
	}
	s.do(&one)
	s.again(one)
	if !one.undoable() {
		return one
	}
	s.undone(one, "Do and Undo", 1)
	s.cutByTime(one)
	return s.simply(st)
}

// simply does a step once.
func (s *suite) simply(st actuators.Step) done {
	s.t.Helper()
	one := s.begin(st)
	s.do(&one)
	return one
}

// begin asks and captures, which changes nothing.
func (s *suite) begin(st actuators.Step) done {
	s.t.Helper()
	op, ok := s.c.Kind.Op(st.Op)
	if !ok {
		s.fail("there is no such op")
	}
	one := done{step: st, op: op, have: s.look(), was: s.lookEarlier()}
	native := s.native()
	ctx, cancel := context.WithTimeout(context.Background(), st.Timeout)
	defer cancel()
	if err := s.driver.preflight(ctx, st); err != nil {
		s.fail("preflight says no: %v", err)
	}
	var err error
	if one.before, err = s.driver.capture(ctx, st); err != nil {
		s.fail("cannot capture: %v", err)
	}
	s.open("what was captured", one.before)
	one.before = append(json.RawMessage(nil), one.before...)
	if why := same(one.have, s.look()); why != "" {
		s.fail("preflight or capture changed it: %s", why)
	}
	if now := s.native(); now != native {
		s.fail("preflight or capture changed something.\nbefore:\n%s\nafter:\n%s", native, now)
	}
	return one
}

// do runs Do and waits until what is seen is what was predicted.
func (s *suite) do(one *done) {
	s.t.Helper()
	started := time.Now()
	if err := s.run(*one, nil); err != nil {
		s.open("the error of Do", []byte(err.Error()))
		s.fail("do: %v", err)
	}
	one.took = time.Since(started)
	s.predicted(*one)
}

func (s *suite) run(one done, c *cut) error {
	ctx, cancel := context.WithTimeout(context.Background(), one.step.Timeout)
	defer cancel()
	if c != nil {
		defer c.end()
	}
	return s.driver.do(ctx, one.step, one.before, c)
}

func (s *suite) predict(one done) json.RawMessage {
	s.t.Helper()
	var states [2]json.RawMessage
	for i := range states {
		var err error
		if states[i], err = one.op.Predict(one.step.Params, one.have.Here); err != nil {
			s.fail("cannot predict: %v", err)
		}
	}
	s.equal("Predict", states[0], states[1])
	return states[0]
}

func (s *suite) predicted(one done) actuators.HaveJSON {
	s.t.Helper()
	predicted := s.predict(one)
	have, why := s.await(one.step.Timeout, func(have actuators.HaveJSON) string {
		if ok, difference := actuators.Holds(predicted, one.have.Here, have.Here); !ok {
			return difference
		}
		settled, err := one.op.Settled(have.Here)
		switch {
		case err != nil:
			return err.Error()
		case !settled:
			return "it has not settled"
		}
		return ""
	})
	if why != "" {
		s.fail("what is seen is not what was predicted: %s\npredicted %s\nseen      %s", why, predicted, have.Here)
	}
	return have
}

// again does a step that is done.
func (s *suite) again(one done) {
	s.t.Helper()
	have, native := s.look(), s.native()
	if err := s.run(one, nil); err != nil {
		s.fail("do is not idempotent: the second one says: %v", err)
	}
	if why := same(have, s.predicted(one)); why != "" {
		s.fail("do is not idempotent: after the second one %s", why)
	}
	if now := s.native(); now != native {
		s.fail("do is not idempotent.\nafter the first:\n%s\nafter the second:\n%s", native, now)
	}
}

// undone undoes twice and demands that all is as before. Like a run it tries again, up to a number of times, where a daemon
// may go on with a Do that was cut off.
func (s *suite) undone(one done, after string, tries int) {
	s.t.Helper()
	where := s.where
	s.at("%s, after %s", where, after)
	for range 2 {
		s.undo(one)
		why := s.asBefore(one, tries == 1)
		for try := 1; try < tries && why != ""; try++ {
			s.t.Logf("conform: %s: undone, and then %s; undone again", s.where, why)
			s.undo(one)
			why = s.asBefore(one, try+1 == tries)
		}
		if why != "" {
			s.fail("undo is not the inverse: %s", why)
		}
	}
	s.where = where
}

func (s *suite) undo(one done) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), one.step.Timeout)
	defer cancel()
	if err := s.driver.undo(ctx, one.step, one.before); err != nil {
		s.open("the error of Undo", []byte(err.Error()))
		s.fail("undo: %v", err)
	}
}

// asBefore waits until a step is taken back, for the whole time of the op only at the last try: what a daemon made of a Do
// that was cut off stays until it is undone again. One that compensates may leave what it does not decide.
func (s *suite) asBefore(one done, last bool) string {
	s.t.Helper()
	predicted := s.predict(one)
	limit := s.patience(one.step.Timeout)
	if !last {
		limit = min(limit, betweenTries)
	}
	_, why := s.awaitFor(limit, func(have actuators.HaveJSON) string {
		if one.op.Reversal == actuators.Exact {
			return same(one.have, have)
		}
		_, difference := actuators.Holds(one.have.Here, predicted, have.Here)
		return difference
	})
	if why == "" {
		why = s.earlierAsBefore(one)
	}
	return why
}

// cutByCalls cuts a Do before and after each of its calls to the host. Each time Undo must be right.
func (s *suite) cutByCalls(one done) {
	s.t.Helper()
	if !s.driver.counts() || s.c.Cuts < 0 {
		return
	}
	for call := 1; call <= maxCalls; call++ {
		for _, after := range []bool{false, true} {
			c := &cut{call: call, after: after}
			s.half(one, c)
			if !c.fired {
				return
			}
		}
	}
}

// cutByTime cuts a Do at random moments of the time that it took, and at once.
func (s *suite) cutByTime(one done) {
	s.t.Helper()
	if s.c.Cuts < 0 {
		return
	}
	s.half(one, &cut{at: 0})
	for range s.c.Cuts {
		s.half(one, &cut{at: time.Duration(s.random.Int64N(int64(one.took) + 1))})
	}
}

func (s *suite) half(one done, c *cut) {
	s.t.Helper()
	err := s.run(one, c)
	if errors.Is(err, errDeaf) {
		s.fail("%s: %v", c, err)
	}
	tries := 1
	if c.call == 0 {
		tries = undoTries
	}
	s.undone(one, fmt.Sprint(c), tries)
}

package conform

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"

	"plumbline/actuators"
	"plumbline/schema"
)

// Run holds a kind to the contract and ends the test at the first breach, which it names with object, spec and step.
func Run(t T, c Case) {
	t.Helper()
	s := &suite{t: t, c: c.withDefaults()}
	s.check()
	s.dial()
	s.random = rand.New(rand.NewPCG(s.c.Seed, 0))
	t.Logf("conform: %s, seed %d", s.c.ID, s.c.Seed)

	s.at("before all")
	s.want(0)
	if have := s.look(); have.Here != nil {
		s.fail("it is there before it was made: %s", have.Here)
	}
	first, native := s.picture(everything), s.native()
	s.watched()
	s.foreign()
	s.walk()
	s.rested()
	s.renamed()
	s.sabotage()
	s.broken()
	s.removal()

	s.at("after all")
	if last := s.picture(everything); last != first {
		s.fail("something was left or lost.\nfirst:\n%s\nlast:\n%s", first, last)
	}
	if last := s.native(); last != native {
		s.fail("the system's own tools show what was left or lost.\nfirst:\n%s\nlast:\n%s", native, last)
	}
}

// Make brings the object of a case to its first spec, simply, for a test that needs one.
func Make(t T, c Case) {
	t.Helper()
	made(t, c)
}

// Renames makes the object of a case simply and holds the kind to what the suite demands of a renaming, for a kind of which the
// whole suite with another state is slow.
func Renames(t T, c Case) {
	t.Helper()
	s := made(t, c)
	s.random = rand.New(rand.NewPCG(s.c.Seed, 0))
	s.renamed()
}

func made(t T, c Case) *suite {
	t.Helper()
	s := &suite{t: t, c: c.withDefaults()}
	s.check()
	s.dial()
	s.at("making it")
	s.want(0)
	s.each(s.planned(s.spec, s.look()), s.simply)
	s.listed = true
	s.converged()
	return s
}

type suite struct {
	t      T
	c      Case
	driver driver
	random *rand.Rand
	where  string          // for messages
	spec   json.RawMessage // wanted, or last wanted: tells where to look
	listed bool            // the inventory has it
	was    *earlier        // what it is renamed from; nil = nothing
	steps  int
	ran    []done // the steps of the last change
	stamps stamps
}

func (s *suite) check() {
	s.t.Helper()
	switch c := s.c; {
	case c.Kind == nil, c.ID == "", len(c.Specs) == 0, (c.Host == nil) == (c.Dial == nil):
		s.t.Fatalf("conform: a case needs Kind, ID, Specs and one of Host and Dial")
	case c.ID.Kind() != c.Kind.Name:
		s.t.Fatalf("conform: %s is no %s", c.ID, c.Kind.Name)
	case (c.Foreign == nil) != (c.NotForeign == nil):
		s.t.Fatalf("conform: %s: Foreign and NotForeign go together", c.ID)
	}
}

func (s *suite) dial() {
	s.t.Helper()
	if s.c.Host != nil {
		s.driver = direct{s.c.Kind, s.c.Host}
		return
	}
	executor, err := s.c.Dial(context.Background())
	if err != nil {
		s.t.Fatalf("conform: cannot dial: %v", err)
	}
	s.driver = dialled{s.c.Kind.Name, executor, s.c.Dial}
}

// at says where the suite is, for messages.
func (s *suite) at(format string, args ...any) { s.where = fmt.Sprintf(format, args...) }

func (s *suite) fail(format string, args ...any) {
	s.t.Helper()
	s.t.Fatalf("conform: %s: %s: %s (seed %d)", s.instance(), s.where, fmt.Sprintf(format, args...), s.c.Seed)
}

func (s *suite) instance() schema.Instance { return s.c.ID.On(s.c.At) }

// want makes a spec the wanted one.
func (s *suite) want(n int) {
	s.t.Helper()
	data, err := json.Marshal(s.c.Specs[n])
	if err != nil {
		s.fail("cannot write the spec: %v", err)
	}
	s.spec = data
}

func (s *suite) subject() actuators.Subject {
	return actuators.Subject{Instance: s.instance(), Mark: actuators.Mark{Installation: s.c.Installation, ID: s.c.ID, Hash: schema.Hash(s.spec)}}
}

// open fails when a secret stands where everybody may read.
func (s *suite) open(what string, data []byte) {
	s.t.Helper()
	for _, secret := range s.c.Secrets {
		if strings.Contains(string(data), secret) {
			s.fail("%s holds a secret: %s", what, strings.ReplaceAll(string(data), secret, "[secret]"))
		}
	}
}

// diff compares twice: it must be pure.
func (s *suite) diff(want json.RawMessage, have actuators.HaveJSON) actuators.Diff {
	s.t.Helper()
	var d [2]actuators.Diff
	for i := range d {
		var err error
		if d[i], err = s.c.Kind.Diff(want, have); err != nil {
			s.fail("cannot compare: %v", err)
		}
	}
	s.equal("Diff", d[0], d[1])
	s.open("the difference", encode(d[0]))
	return d[0]
}

// plan gives the steps, as a journal would give them back.
func (s *suite) plan(d actuators.Diff, want json.RawMessage, have actuators.HaveJSON) ([]actuators.Step, error) {
	s.t.Helper()
	var steps [2][]actuators.Step
	for i := range steps {
		var err error
		if steps[i], err = s.c.Kind.Steps(s.subject(), d, want, have); err != nil {
			return nil, err
		}
	}
	s.equal("Steps", steps[0], steps[1])
	return s.numbered(steps[0]), nil
}

// numbered gives steps IDs of their own, and sends them through JSON.
func (s *suite) numbered(steps []actuators.Step) []actuators.Step {
	s.t.Helper()
	for i := range steps {
		s.steps++
		steps[i].ID = fmt.Sprintf("%s#%d", s.instance(), s.steps)
		steps[i] = s.journaled(steps[i])
	}
	return steps
}

// journaled sends a step through JSON.
func (s *suite) journaled(st actuators.Step) actuators.Step {
	s.t.Helper()
	data := encode(st)
	s.open("step "+st.Op, data)
	var back actuators.Step
	if err := json.Unmarshal(data, &back); err != nil {
		s.fail("step %s does not survive JSON: %v", st.Op, err)
	}
	s.equal("step "+st.Op+" through JSON", st, back)
	return back
}

func (s *suite) equal(what string, a, b any) {
	s.t.Helper()
	if x, y := encode(a), encode(b); string(x) != string(y) {
		s.fail("%s is not the same twice:\n%s\n%s", what, x, y)
	}
}

func encode(value any) []byte {
	data, err := json.Marshal(value)
	if err != nil {
		return []byte(err.Error())
	}
	return data
}

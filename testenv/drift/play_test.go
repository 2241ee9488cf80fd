package drift

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

// tamper is one declared field that somebody changes by hand, with a tool of the field's own.
type tamper struct {
	field string // of the schema: "vm.cpu.now"; several that only the whole object shows
	spoil string // shell commands on the host
	tells string // the paths that the firing names, in its order; "is gone" when the whole object is
	mend  string // "" = that of the chain
}

// chain is tamperings with one object, one after the other. Chains run beside each other.
type chain struct {
	object string // "vm/payroll@jino0"
	host   string
	keep   string // what is run before the first: it keeps what mend brings back
	mend   string // brings back what any of them spoiled
	all    []tamper
}

// within is how long anything may take on a machine that others keep busy.
const within = 40 * time.Second

// play tampers with everything, and wants of each exactly one firing that names object and field, and one resolved.
func (s *scene) play(chains []chain) {
	s.t.Helper()
	var running sync.WaitGroup
	for _, c := range chains {
		running.Go(func() { s.t.Run(strings.ReplaceAll(c.object, "/", " "), func(t *testing.T) { s.playOne(t, c) }) })
	}
	running.Wait()
}

func (s *scene) playOne(t *testing.T, c chain) {
	if c.keep != "" {
		s.try(t, c.host, c.keep)
	}
	before, _ := s.ear.about(c.object)
	so := len(before)
	for _, one := range c.all {
		mend := one.mend
		if mend == "" {
			mend = c.mend
		}
		begun := time.Now()
		told, err := s.one(t, c, so, one.spoil, "firing", one.tells)
		seen := time.Since(begun)
		if err != nil {
			t.Errorf("%s: %v", one.field, err)
		}
		back, err := s.one(t, c, so+told, mend, "resolved", "")
		if err != nil {
			t.Errorf("%s: %v", one.field, err)
		}
		t.Logf("%s: told after %d ms, resolved after %d ms", one.field, seen.Milliseconds(), (time.Since(begun) - seen).Milliseconds())
		so += told + back
	}
	after, _ := s.ear.about(c.object)
	if len(after) != so {
		t.Errorf("%d notices were expected, %d came: %s", so, len(after), tellAll(after[min(so, len(after)):]))
	}
}

// one runs a command and waits for what is told of the object.
func (s *scene) one(t *testing.T, c chain, so int, command, status, tells string) (told int, err error) {
	s.try(t, c.host, command)
	ctx, cancel := context.WithTimeout(s.ctx, within)
	defer cancel()
	n, err := s.ear.next(ctx, c.object, so)
	switch {
	case err != nil:
		return 0, err
	case n.Status != status:
		return 1, fmt.Errorf("want it %s, was told: %s", status, tell(n))
	case status == "firing" && fields(n) != tells:
		return 1, fmt.Errorf("want %q to be named, was told: %s", tells, tell(n))
	}
	return 1, nil
}

// try runs a shell command on a host.
func (s *scene) try(t *testing.T, host, command string) {
	t.Helper()
	if _, err := s.On(s.ctx, host, "bash", "-euo", "pipefail", "-c", command); err != nil {
		t.Errorf("on %s: %s: %v", host, command, err)
	}
}

package reconcile_test

import (
	"context"
	"testing"
	"time"
)

func TestALoopThatHangsDoesNotTurn(t *testing.T) {
	s := newScene(t)
	s.world.doing, s.world.gate = make(chan string), make(chan struct{})
	atOnce, cancel := context.WithCancel(t.Context())
	cancel()
	if s.Turns(atOnce) {
		t.Error("it turns before it began")
	}
	s.run()
	if !s.Turns(t.Context()) {
		t.Error("a loop that has nothing to do does not answer")
	}
	id := s.repo.push("a", ground+declare("p", "h1", "/one"))
	<-s.world.doing
	if !s.Turns(atOnce) {
		t.Error("a loop that has just begun a step does not turn")
	}
	s.ahead.Store(int64(time.Hour))
	if s.Turns(atOnce) {
		t.Error("a step that hangs for an hour is taken for work")
	}
	s.world.gate <- struct{}{}
	s.applied(id)
	if !s.Turns(t.Context()) {
		t.Error("the loop got on and does not turn")
	}
}

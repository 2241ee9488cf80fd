package reconcile_test

import (
	"strings"
	"testing"

	"plumbline/reconcile/notify"
)

// The controller's own network is cut by a change: that change alone is taken back, and the rest of the commit stands.
func TestWhatCutsTheControllerOffIsTakenBackAlone(t *testing.T) {
	s := newScene(t)
	s.run()
	pools := func(own, other string) string {
		return ground + `pool: a: {host: "h1", dir: "/own` + own + `", self: true}` + "\n" + declare("b", "h1", "/b"+other) + declare("c", "h2", "/c"+other)
	}
	s.applied(s.repo.push("a", pools("", "")))
	s.repo.push("b", pools("/cut", "/new"))
	s.until("taken back", func() bool { return s.told(notify.ReasonPartlyApplied) == 1 })
	for name, want := range map[string]string{"a": "/own", "b": "/b/new", "c": "/c/new"} {
		host := "h1"
		if name == "c" {
			host = "h2"
		}
		if got := s.world.dir(pool(name, host)); got != want {
			t.Errorf("pool %s is %q, want %q", name, got, want)
		}
	}
	held := strings.Join(s.Status().Held, "\n")
	if !strings.Contains(held, "lost reach: host h2: cannot reach host h2: no route") {
		t.Errorf("held: %s", held)
	}
	s.applied(s.repo.push("c", pools("/better", "/new")))
}

// What was out of reach before keeps nobody from mending the way.
func TestAHostThatWasAwayBeforeIsNotAskedFor(t *testing.T) {
	s := newScene(t)
	s.run()
	s.applied(s.repo.push("a", ground+`pool: a: {host: "h1", dir: "/own", self: true}`+"\n"))
	s.world.pull("h2", true)
	s.repo.push("b", ground+`pool: a: {host: "h1", dir: "/mended", self: true}`+"\n")
	s.until("mended", func() bool { return s.world.dir(pool("a", "h1")) == "/mended" })
	s.stop()
	if got := s.world.dir(pool("a", "h1")); got != "/mended" {
		t.Errorf("the pool is %q", got)
	}
}

package exec_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"plumbline/actuators"
	"plumbline/reconcile/exec"
)

// What fails because the two ends are not of one version says which they are, on which host, and the way out.
func TestTwoVersionsAreToldWithHostAndWayOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.self.Version = "1.2.0"
	here := exec.DialOptions{Version: "1.3.0"}
	says := func(what string, err error, more string) {
		t.Helper()
		for _, word := range []string{"this version of plumb", more, "host jino0 has plumb 1.2.0", "here is plumb 1.3.0", `"plumb host install"`} {
			if err == nil || !errors.Is(err, exec.ErrVersion) || !strings.Contains(err.Error(), word) {
				t.Errorf("%s says nothing of %q: %v", what, word, err)
			}
		}
		if err != nil && strings.Count(err.Error(), "1.2.0") != 1 {
			t.Errorf("%s says it more than once: %v", what, err)
		}
	}
	e, err := exec.DialSelf(w.ctx(), nil, w.self, here)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	_, err = e.Observe(w.ctx(), "novel", actuators.Scope{All: true})
	says("a kind", err, `cannot find kind "novel"`)
	newer, unknown := w.set(nil), w.set(nil)
	newer.Version, unknown.Op = 9, "novel"
	says("an op", e.Do(w.ctx(), unknown), "cannot run op novel of kind pair")
	_, err = e.Capture(w.ctx(), newer)
	says("a version of an op", err, "the step has version 9")
	answers, err := e.Many(w.ctx(), exec.Do, []exec.Call{newer, unknown})
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range answers {
		says("one of many", a.Err, "cannot run op")
	}
	if err := e.Do(w.ctx(), w.set(nil)); err != nil {
		t.Errorf("what both know is not done: %v", err)
	}

	w.self.Protocol = exec.Protocol - 1
	_, err = exec.DialSelf(w.ctx(), nil, w.self, here)
	says("a protocol", err, fmt.Sprintf("speaks protocol %d, the host's %d", exec.Protocol, w.self.Protocol))
	if !errors.Is(err, actuators.ErrRefused) {
		t.Errorf("another protocol is not refused: %v", err)
	}
}

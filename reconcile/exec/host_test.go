package exec_test

import (
	"testing"
	"time"

	"plumbline/reconcile/exec"
	"plumbline/testenv/need"
)

// enter dials this binary behind a prefix that enters a host.
func (w *world) enter(prefix ...string) exec.Executor {
	w.Helper()
	e, err := exec.DialSelf(w.ctx(), prefix, w.self, exec.DialOptions{})
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { e.Close() })
	return e
}

func TestDialSelfEntersAHost(t *testing.T) {
	need.Root(t)
	need.Program(t, "unshare")
	w := newWorld(t)
	e := w.enter("unshare", "--uts", "sh", "-c", `hostname jino0.lab && exec "$@"`, "sh")
	hello, err := e.Hello(w.ctx())
	w.must(err)
	if hello.Hostname != "jino0.lab" {
		t.Fatalf("hello from %q", hello.Hostname)
	}
	c := w.captured(e, w.set(nil))
	w.must(e.Do(w.ctx(), c))
	w.is("new1\nnew2\n")
}

// Promise 10, where the host itself dies: its processes end with its first one, the watcher too.
func TestUnconfirmedIsUndoneAfterItsHostDied(t *testing.T) {
	need.Root(t)
	need.Program(t, "unshare")
	host := []string{"unshare", "--pid", "--fork", "--mount-proc", "--kill-child"}
	w := newWorld(t)
	e := w.enter(host...)
	c := w.waiting(e, nil)
	c.Confirm = 3 * time.Second
	w.must(e.Do(w.ctx(), c))
	w.must(e.Close()) // the executor was the host's first process
	w.eventually("the host is dead", func() bool { return len(processes(w.self.Dirs.State)) == 0 })
	again := w.enter(host...)
	w.becomes("old\nold\n")
	w.eventually("word is left", func() bool { return w.records() == "pair%2Fp@jino0%231.undone" })
	w.fails(again.Confirm(w.ctx(), step), exec.ErrReverted)
}

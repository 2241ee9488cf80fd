package exec_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"plumbline/actuators"
	"plumbline/reconcile/exec"
	"plumbline/testenv/freeze"
)

const step = "pair/p@jino0#1"

// waiting is a call that is undone after a second unless it is confirmed.
func (w *world) waiting(e exec.Executor, change func(*pairParams)) exec.Call {
	c := w.captured(e, w.set(change))
	c.Confirm = time.Second
	return c
}

// records lists what lies in the confirm directory.
func (w *world) records() string {
	entries, _ := os.ReadDir(filepath.Join(w.self.Dirs.State, "confirm"))
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return strings.Join(names, " ")
}

func (w *world) watchers() []int {
	var pids []int
	for pid, args := range processes(w.self.Dirs.State) {
		if strings.Contains(args, " watch ") {
			pids = append(pids, pid)
		}
	}
	return pids
}

func confirmedTest(w *world, open func() exec.Executor) {
	e := open()
	c := w.waiting(e, nil)
	c.Confirm = time.Hour
	w.must(e.Do(w.ctx(), c))
	if len(w.watchers()) != 1 {
		w.Fatalf("watchers: %v", w.watchers())
	}
	hello, err := open().Hello(w.ctx())
	w.must(err)
	if len(hello.Waiting) != 1 || hello.Waiting[0] != step {
		w.Fatalf("hello: %+v", hello)
	}
	w.must(open().Confirm(w.ctx(), step))
	w.eventually("the watcher ends", func() bool { return len(w.watchers()) == 0 })
	w.is("new1\nnew2\n")
	if w.records() != "" {
		w.Fatalf("records left: %s", w.records())
	}
}

func unconfirmedTest(w *world, open func() exec.Executor) {
	e := open()
	w.must(e.Do(w.ctx(), w.waiting(e, nil)))
	w.becomes("old\nold\n")
	w.eventually("word is left", func() bool { return w.records() == "pair%2Fp@jino0%231.undone" })
	again := open()
	hello, err := again.Hello(w.ctx())
	w.must(err)
	if len(hello.Reverted) != 1 || hello.Reverted[0] != step || len(hello.Waiting) != 0 {
		w.Fatalf("hello: %+v", hello)
	}
	w.fails(again.Confirm(w.ctx(), step), exec.ErrReverted)
	c := w.waiting(again, nil)
	c.Confirm = time.Hour
	w.must(again.Do(w.ctx(), c)) // a new try starts afresh
	w.must(open().Confirm(w.ctx(), step))
	w.is("new1\nnew2\n")
}

func stuckTest(w *world, open func() exec.Executor) {
	e := open()
	c := w.waiting(e, nil)
	c.Confirm = 3 * time.Second
	w.must(e.Do(w.ctx(), c))
	w.write("somebody else\n")
	w.eventually("word is left", func() bool { return strings.HasSuffix(w.records(), "undone") })
	w.fails(open().Confirm(w.ctx(), step), exec.ErrReverted, actuators.ErrStuck)
	w.is("somebody else\n")
}

func confirmTwiceTest(w *world, open func() exec.Executor) {
	e := open()
	c := w.waiting(e, nil)
	c.Confirm = time.Hour
	w.must(e.Do(w.ctx(), c))
	for range 2 {
		w.must(open().Confirm(w.ctx(), step))
	}
}

func undoneWaitingTest(w *world, open func() exec.Executor) {
	e := open()
	c := w.waiting(e, nil)
	c.Confirm = time.Hour
	w.must(e.Do(w.ctx(), c))
	other := c
	other.Plan = "plan2"
	w.fails(e.Do(w.ctx(), other), actuators.ErrTransient) // the first plan's undo must not be lost
	w.must(e.Do(w.ctx(), c))                              // the same plan resumes
	w.must(open().Undo(w.ctx(), c))
	w.is("old\nold\n")
	w.eventually("the watcher ends", func() bool { return len(w.watchers()) == 0 && w.records() == "" })
}

// Promise 10: a change that cuts the control path is back by its deadline, also if executor, controller and host die.

func TestUnconfirmedIsUndoneAfterTheExecutorIsKilled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.dial()
	c := w.waiting(e, func(p *pairParams) { p.Sleep = uniqueSleep(w) })
	c.Confirm = 3 * time.Second
	did := make(chan error, 1)
	go func() { did <- e.Do(w.ctx(), c) }()
	w.sleeping()
	w.kill(w.server(), unix.SIGKILL)
	w.fails(<-did, exec.ErrUnknown, exec.ErrUnreachable)
	w.becomes("old\nold\n")
	w.eventually("the watcher ends", func() bool { return len(w.watchers()) == 0 })
	w.fails(w.dial().Confirm(w.ctx(), step), exec.ErrReverted)
}

func TestUnconfirmedIsUndoneThoughItsDoIsFrozen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.dial()
	c := w.waiting(e, func(p *pairParams) { p.Sleep = uniqueSleep(w) })
	did := make(chan error, 1)
	go func() { did <- e.Do(w.ctx(), c) }()
	w.sleeping()
	w.must(freeze.Stop(w.server()))
	w.becomes("old\nold\n") // the watcher killed what held the instance
	w.fails(<-did, exec.ErrUnknown)
}

func TestOverdueIsUndoneByTheNextExecutorWhenTheWatcherWasKilled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.dial()
	c := w.waiting(e, nil)
	c.Confirm = 3 * time.Second
	w.must(e.Do(w.ctx(), c))
	w.killWatcher()
	w.must(e.Close())
	w.is("new1\nnew2\n")
	w.local()
	w.becomes("old\nold\n")
}

func TestRecoverUndoesWhatARebootLeft(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.dial()
	c := w.waiting(e, nil)
	c.Confirm = time.Hour
	w.must(e.Do(w.ctx(), c))
	w.must(e.Close())
	w.killWatcher()
	w.must(w.recover())
	if len(w.watchers()) != 1 { // the same boot: there is an hour left
		w.Fatal("the step is not watched again")
	}
	w.killWatcher()
	w.edit(w.records(), `"boot":"`, `"boot":"another-`)
	w.must(w.recover())
	w.is("old\nold\n")
	w.fails(w.dial().Confirm(w.ctx(), step), exec.ErrReverted)
}

func TestAfterTheDeadlineNoConfirmationIsTaken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.local()
	c := w.waiting(e, nil)
	c.Confirm = time.Hour
	w.must(e.Do(w.ctx(), c))
	w.killWatcher()
	w.edit(w.records(), `"boot":"`, `"boot":"another-`)
	nobody := exec.Local(registry, exec.NewMachine("jino0", w.self.Dirs), exec.Options{Watcher: []string{"false"}})
	w.fails(nobody.Confirm(w.ctx(), step), exec.ErrReverted)
	hello, err := nobody.Hello(w.ctx())
	w.must(err)
	if len(hello.Problems) != 1 {
		t.Fatalf("nobody watches and nobody says so: %+v", hello)
	}
	w.must(w.recover())
	w.is("old\nold\n")
}

func TestHelloGivesADeadWatcherASuccessor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.local()
	c := w.waiting(e, nil)
	c.Confirm = time.Hour
	w.must(e.Do(w.ctx(), c))
	w.killWatcher()
	hello, err := e.Hello(w.ctx())
	w.must(err)
	if len(w.watchers()) != 1 || len(hello.Problems) != 0 {
		t.Fatalf("watchers %v, hello %+v", w.watchers(), hello)
	}
	w.must(e.Confirm(w.ctx(), step))
}

func TestConfirmNeedsANewConnection(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.dial()
	c := w.waiting(e, nil)
	c.Confirm = time.Hour
	w.must(e.Do(w.ctx(), c))
	w.fails(e.Confirm(w.ctx(), step), actuators.ErrRefused)
	w.must(w.dial().Confirm(w.ctx(), step))
}

func TestNothingIsDoneWithoutAWatcher(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, watcher := range [][]string{{"/no/such/program"}, {"false"}, {"echo", "hello"}} {
		e := exec.Local(registry, exec.NewMachine("jino0", w.self.Dirs), exec.Options{Watcher: watcher})
		w.fails(e.Do(w.ctx(), w.waiting(e, nil)))
		w.is("old\nold\n")
		if w.records() != "" {
			w.Fatalf("records left: %s", w.records())
		}
	}
}

// killWatcher kills the only watcher and waits for its end: reaped, or a zombie without other threads. Before that it may
// still hold its lock.
func (w *world) killWatcher() {
	w.Helper()
	pid := w.watchers()[0]
	w.kill(pid, unix.SIGKILL)
	w.eventually("the watcher is gone", func() bool {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		threads, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
		return err != nil || strings.Contains(string(stat), ") Z ") && len(threads) <= 1
	})
}

func (w *world) recover() error {
	return exec.Recover(w.ctx(), registry, exec.NewMachine("jino0", w.self.Dirs), exec.Options{})
}

// edit changes a record.
func (w *world) edit(name, from, to string) {
	w.Helper()
	path := filepath.Join(w.self.Dirs.State, "confirm", name)
	data, err := os.ReadFile(path)
	w.must(err)
	changed := strings.Replace(string(data), from, to, 1)
	if changed == string(data) {
		w.Fatalf("no %s in %s", from, data)
	}
	w.must(os.WriteFile(path, []byte(changed), 0o600))
}

// server is the process that serves the only connection, when it forks nothing just now.
func (w *world) server() (server int) {
	w.Helper()
	w.eventually("the server shows its arguments", func() bool {
		for pid, args := range processes(w.self.Dirs.State) {
			if strings.Contains(args, " serve ") {
				server = pid
			}
		}
		return server != 0
	})
	return server
}

func (w *world) kill(pid int, signal unix.Signal) {
	w.Helper()
	if err := unix.Kill(pid, signal); err != nil && !errors.Is(err, unix.ESRCH) {
		w.Fatal(err)
	}
}

package exec_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"plumbline/actuators"
	"plumbline/reconcile/exec"
	"plumbline/schema"
)

func TestMain(m *testing.M) {
	exec.Hook(registry)
	if info, err := os.Stat("/dev/shm"); err == nil && info.IsDir() {
		os.Setenv("TMPDIR", "/dev/shm") // on a busy disk the syncs would be most of the time
	}
	if job := os.Getenv("EXEC_TEST_CONTROLLER"); job != "" {
		controller(job)
	}
	goleak.VerifyTestMain(m)
}

// world is a host for one test: its directories and the pair that ops change.
type world struct {
	*testing.T
	self exec.Self
	pair string
}

// newWorld makes a host and, at the end of the test, demands that no process of it is left.
func newWorld(t *testing.T) *world {
	t.Helper()
	dir := t.TempDir()
	w := &world{T: t, pair: filepath.Join(dir, "pair"), self: exec.Self{
		Name: "jino0", Dirs: exec.Dirs{State: filepath.Join(dir, "state"), Secrets: filepath.Join(dir, "secrets")},
	}}
	w.write("old\nold\n")
	t.Cleanup(func() { // also after a failure
		for _, word := range []string{w.self.Dirs.State, uniqueSleep(w)} {
			for pid := range processes(word) {
				w.kill(pid, unix.SIGKILL)
			}
		}
	})
	t.Cleanup(func() {
		w.eventually("no process left", func() bool { return len(processes(w.self.Dirs.State)) == 0 })
	})
	return w
}

func (w *world) local() exec.Executor {
	e := exec.Local(registry, exec.NewMachine(w.self.Name, w.self.Dirs), exec.Options{Version: "v1", Schema: "abc"})
	w.Cleanup(func() { e.Close() })
	return e
}

func (w *world) dial() exec.Executor { return w.dialAs(w.self) }

func (w *world) dialAs(self exec.Self) exec.Executor {
	w.Helper()
	e, err := exec.DialSelf(w.ctx(), nil, self, exec.DialOptions{})
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { e.Close() })
	return e
}

// ctx is long enough for anything that should work.
func (w *world) ctx() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	w.Cleanup(cancel)
	return ctx
}

// set is a call that makes the pair "new1", "new2".
func (w *world) set(change func(*pairParams)) exec.Call {
	p := pairParams{Path: w.pair, A: "new1", B: "new2"}
	if change != nil {
		change(&p)
	}
	return exec.Call{
		Plan: "plan1", Step: "pair/p@jino0#1", Epoch: 1, Kind: "pair", Op: "set", Version: 1,
		Instance: schema.ID("pair/p").On("jino0"), Params: encode(w, p),
	}
}

// captured adds what Capture gives.
func (w *world) captured(e exec.Executor, c exec.Call) exec.Call {
	w.Helper()
	before, err := e.Capture(w.ctx(), c)
	if err != nil {
		w.Fatal(err)
	}
	c.Before = before
	return c
}

func (w *world) write(text string) {
	w.Helper()
	if err := os.WriteFile(w.pair, []byte(text), 0o600); err != nil {
		w.Fatal(err)
	}
}

func (w *world) text() string {
	data, err := os.ReadFile(w.pair)
	if err != nil {
		return err.Error()
	}
	return string(data)
}

// is demands the pair's text now.
func (w *world) is(want string) {
	w.Helper()
	if got := w.text(); got != want {
		w.Fatalf("the pair is %q, want %q", got, want)
	}
}

// becomes waits for the pair's text.
func (w *world) becomes(want string) {
	w.Helper()
	w.eventually(fmt.Sprintf("the pair is %q", want), func() bool { return w.text() == want })
}

func (w *world) eventually(what string, condition func() bool) {
	w.Helper()
	for end := time.Now().Add(time.Minute); !condition(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			w.Fatalf("not so after a minute: %s; processes: %v", what, processes(w.self.Dirs.State))
		}
	}
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// fails demands an error of these classes.
func (w *world) fails(err error, classes ...error) {
	w.Helper()
	for _, class := range classes {
		if !errors.Is(err, class) {
			w.Fatalf("error %v (%T) is not %q", err, err, class)
		}
	}
	if err == nil {
		w.Fatal("no error")
	}
}

func encode(t testing.TB, v any) json.RawMessage {
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// processes lists live processes whose arguments hold a word, by number.
func processes(word string) map[int]string {
	found := map[int]string{}
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil || !bytes.Contains(data, []byte(word)) {
			continue
		}
		var pid int
		fmt.Sscanf(file, "/proc/%d/cmdline", &pid)
		if pid != os.Getpid() {
			found[pid] = string(bytes.ReplaceAll(data, []byte{0}, []byte(" ")))
		}
	}
	return found
}

func newHost(self exec.Self) actuators.Host { return exec.NewMachine(self.Name, self.Dirs) }

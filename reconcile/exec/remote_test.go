package exec_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	osexec "os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"plumbline/actuators"
	"plumbline/reconcile/exec"
	"plumbline/testenv/canary"
	"plumbline/testenv/freeze"
)

// doing starts a Do that hangs in the middle, and returns when it does.
func (w *world) doing(e exec.Executor, ctx context.Context) <-chan error {
	w.Helper()
	c := w.captured(e, w.set(func(p *pairParams) { p.Sleep = uniqueSleep(w) }))
	did := make(chan error, 1)
	go func() { did <- e.Do(ctx, c) }()
	w.sleeping()
	return did
}

func (w *world) sleeping() {
	w.Helper()
	w.eventually("the do is in its middle", func() bool { return len(processes(uniqueSleep(w))) > 0 })
}

// noOrphan waits until the do's program is gone, and looks that the do did not go on.
func (w *world) noOrphan() {
	w.Helper()
	w.eventually("no orphan", func() bool { return len(processes(uniqueSleep(w))) == 0 })
	w.is("new1\n")
}

func TestKilledExecutorMeansUnknownAndLeavesNoOrphan(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.dial()
	did := w.doing(e, w.ctx())
	w.kill(w.server(), unix.SIGKILL)
	w.fails(<-did, exec.ErrUnknown, exec.ErrUnreachable)
	w.noOrphan()
	err := e.Do(w.ctx(), w.set(nil))
	w.fails(err, exec.ErrUnreachable)
	if errors.Is(err, exec.ErrUnknown) {
		t.Fatalf("a call that never left is unknown: %v", err)
	}
	_, err = e.Observe(w.ctx(), "pair", actuators.Scope{})
	w.fails(err, exec.ErrUnreachable)
}

func TestFrozenExecutorEndsByTheContext(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.dial()
	w.must(freeze.Stop(w.server()))
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	w.fails(e.Do(ctx, w.set(nil)), exec.ErrUnknown, context.DeadlineExceeded)
	_, err := e.Observe(ctx, "pair", actuators.Scope{})
	w.fails(err, context.DeadlineExceeded)
	w.fails(e.Watch(ctx, "pair", func(actuators.Event) {}), context.DeadlineExceeded)
	w.must(e.Close()) // kills what does not end by itself
	if len(processes(w.self.Dirs.State)) != 0 {
		t.Fatal("the frozen executor outlived Close")
	}
}

func TestCancelledCallIsCancelledThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, cancel := context.WithCancel(context.Background())
	e := w.dial()
	did := w.doing(e, ctx)
	cancel()
	w.fails(<-did, exec.ErrUnknown, context.Canceled)
	w.noOrphan()
	_, err := e.Hello(w.ctx()) // the connection lives on
	w.must(err)
}

func TestCloseEndsWhatRuns(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.dial()
	did := w.doing(e, w.ctx())
	w.must(e.Close())
	w.fails(<-did, exec.ErrUnknown)
	w.noOrphan()
}

func TestDeadTransportTakesAFrozenExecutorAlong(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e, err := exec.DialSelf(w.ctx(), []string{"sh", "-c", `exec 3<&0; "$@" <&3 & wait`, "sh"}, w.self, exec.DialOptions{})
	w.must(err)
	t.Cleanup(func() { e.Close() })
	var transport int
	for pid, args := range processes(w.self.Dirs.State) {
		if strings.HasPrefix(args, "sh ") {
			transport = pid
		} else {
			w.must(freeze.Stop(pid))
		}
	}
	w.kill(transport, unix.SIGKILL)
	w.eventually("both are gone", func() bool { return len(processes(w.self.Dirs.State)) == 0 })
	_, err = e.Hello(w.ctx())
	w.fails(err, exec.ErrUnreachable)
}

func TestDeadControllerLeavesNoOrphan(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cmd := osexec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), "EXEC_TEST_CONTROLLER="+string(encode(t, job{Self: w.self, Call: w.set(func(p *pairParams) { p.Sleep = uniqueSleep(w) })})))
	w.must(cmd.Start())
	w.sleeping()
	w.must(cmd.Process.Kill())
	_ = cmd.Wait()
	w.noOrphan()
	w.eventually("the executor ends", func() bool { return len(processes(w.self.Dirs.State)) == 0 })
}

// job is what a controller in a process of its own does.
type job struct {
	Self exec.Self
	Call exec.Call
}

func controller(text string) {
	var j job
	err := json.Unmarshal([]byte(text), &j)
	if err == nil {
		var e exec.Executor
		if e, err = exec.DialSelf(context.Background(), nil, j.Self, exec.DialOptions{}); err == nil {
			err = e.Do(context.Background(), j.Call)
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func TestReadOnlyChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	self := w.self
	self.ReadOnly = true
	e := w.dialAs(self)
	c := w.captured(e, w.set(nil))
	w.fails(e.Preflight(w.ctx(), c), exec.ErrReadOnly)
	w.fails(e.Do(w.ctx(), c), exec.ErrReadOnly)
	w.fails(e.Undo(w.ctx(), c), exec.ErrReadOnly)
	w.fails(e.Confirm(w.ctx(), step), exec.ErrReadOnly)
	w.is("old\nold\n")
	hello, err := e.Hello(w.ctx())
	w.must(err)
	if !hello.ReadOnly || hello.Epoch != 0 {
		t.Fatalf("hello: %+v", hello)
	}
}

func TestDialSaysWhyItFailed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, c := range []struct{ script, want string }{
		{"echo 'ssh: no route to jino0' >&2; exit 255", "sh ended: exit status 255: ssh: no route to jino0"},
		{"exit 0", "sh ended"},
		{"echo 'Welcome to jino0, please read the rules before you do anything at all'; exec cat", `it printed "Welcome to jino0`},
		{"exec sleep " + uniqueSleep(w), "no handshake in time"},
	} {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		_, err := exec.Dial(ctx, []string{"sh", "-c", c.script}, exec.DialOptions{})
		cancel()
		w.fails(err, exec.ErrUnreachable)
		if !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %q lacks %q", err, c.want)
		}
	}
	if left := processes(uniqueSleep(w)); len(left) > 0 {
		t.Fatalf("the transport lives on: %v", left)
	}
	_, err := exec.Dial(w.ctx(), []string{"/no/such/transport"}, exec.DialOptions{})
	w.fails(err, exec.ErrUnreachable)
}

// Promise 12: the machine where the op runs reads a secret; plan, journal, wire and process arguments never hold it.
func TestSecretsStayOnTheirHost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	canary, err := canary.Secret()
	w.must(err)
	w.must(os.MkdirAll(w.self.Dirs.Secrets, 0o700))
	w.must(os.WriteFile(filepath.Join(w.self.Dirs.Secrets, "tsig"), []byte(canary+"\n"), 0o600))
	dump := filepath.Join(filepath.Dir(w.pair), "dump")
	tee := []string{"sh", "-c", `tee "$0.in" | "$@" | tee "$0.out"`, dump}
	e, err := exec.DialSelf(w.ctx(), tee, w.self, exec.DialOptions{})
	w.must(err)
	t.Cleanup(func() { e.Close() })

	c := w.captured(e, w.set(func(p *pairParams) { p.Secret, p.Sleep = "tsig", uniqueSleep(w) }))
	c.Confirm, c.Timeout = time.Hour, time.Second
	did := make(chan error, 1)
	go func() { did <- e.Do(w.ctx(), c) }()
	w.sleeping()
	for pid := range processes("") {
		environ, _ := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
		if strings.Contains(string(environ), canary) {
			t.Errorf("process %d has the secret in its environment", pid)
		}
	}
	if found := processes(canary); len(found) > 0 {
		t.Errorf("the secret is a process argument: %v", found)
	}
	err = <-did
	w.fails(err, exec.ErrUnknown)
	w.must(e.Undo(w.ctx(), c))
	used, err2 := os.ReadFile(w.pair + ".used")
	w.must(err2)
	if string(used) != canary {
		t.Fatalf("the op used %q", used)
	}
	wire := readAll(t, dump+".in") + readAll(t, dump+".out")
	if !strings.Contains(wire, `"secret":"tsig"`) || !strings.Contains(wire, "outcome unknown") {
		t.Fatal("the dump is not the wire")
	}
	if strings.Contains(wire+err.Error(), canary) {
		t.Error("the secret was on the wire or in an error")
	}
}

func readAll(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestSSHRefusesWhatLooksLikeAnOption(t *testing.T) {
	for _, target := range []string{"", "-oProxyCommand=id"} {
		if _, err := exec.SSH(target, "plumb", "exec", "--stdio"); !errors.Is(err, actuators.ErrRefused) {
			t.Errorf("target %q: %v", target, err)
		}
	}
	argv, err := exec.SSH("jino0.boston", "plumb", "exec", "--stdio")
	if text := strings.Join(argv, " "); err != nil || !strings.HasSuffix(text, "-- jino0.boston plumb exec --stdio") {
		t.Errorf("argv %s, %v", text, err)
	}
}

package exec

import (
	"fmt"
	"os"
	osexec "os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// closeGrace is how long a child may take to end after its stdin was closed. It covers serveGrace of the far end.
const closeGrace = serveGrace + time.Second

// child is the process that carries a connection: ssh, nsenter or plumb itself, in a process group of its own.
type child struct {
	cmd    *osexec.Cmd
	conn   *pipe
	stderr tail
	exited chan struct{}
	status error // once exited

	mu     sync.Mutex
	reaped bool // its number may belong to somebody else
}

func startChild(argv []string, env []string) (*child, error) {
	stdin, toChild, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	fromChild, stdout, err := os.Pipe()
	if err != nil {
		stdin.Close()
		toChild.Close()
		return nil, err
	}
	c := &child{cmd: osexec.Command(argv[0], argv[1:]...), conn: newPipe(fromChild, toChild), exited: make(chan struct{})}
	c.cmd.Stdin, c.cmd.Stdout, c.cmd.Stderr = stdin, stdout, &c.stderr
	c.cmd.Env = append(os.Environ(), env...)
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.cmd.WaitDelay = time.Second
	err = c.cmd.Start()
	stdin.Close()
	stdout.Close()
	if err != nil {
		c.conn.Close()
		return nil, err
	}
	go c.wait()
	return c, nil
}

// wait reaps the child once it ended, and ends what it left in its group: a dead ssh or nsenter must not leave a live
// connection behind.
func (c *child) wait() {
	for unix.Waitid(unix.P_PID, c.cmd.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil) == unix.EINTR {
	}
	c.mu.Lock()
	_ = killGroup(c.cmd.Process.Pid)
	c.status = c.cmd.Wait()
	c.reaped = true
	c.mu.Unlock()
	c.conn.Close()
	close(c.exited)
}

// close ends the connection; a child that does not end with it is killed with its group after the grace.
func (c *child) close(grace time.Duration) {
	c.conn.Close()
	select {
	case <-c.exited:
		return
	case <-time.After(grace):
	}
	c.mu.Lock()
	if !c.reaped {
		_ = killGroup(c.cmd.Process.Pid)
	}
	c.mu.Unlock()
	<-c.exited
}

// dead tells whether the child has ended, waiting a moment for it.
func (c *child) dead(moment time.Duration) bool {
	select {
	case <-c.exited:
		return true
	default:
	}
	select {
	case <-c.exited:
		return true
	case <-time.After(moment):
		return false
	}
}

// code is how the child ended; -1 while it lives.
func (c *child) code() int {
	if !c.dead(0) {
		return -1
	}
	return c.cmd.ProcessState.ExitCode()
}

// obituary says how the child ended and what it said last.
func (c *child) obituary() string {
	text := "the connection broke"
	select {
	case <-c.exited:
		text = fmt.Sprintf("%s ended", c.cmd.Args[0])
		if c.status != nil {
			text += ": " + c.status.Error()
		}
	default:
	}
	if said := c.conn.stranger(); said != "" {
		text += fmt.Sprintf(": it printed %q where plumb would have answered", said)
	}
	if said := c.stderr.String(); said != "" {
		text += ": " + Advise(c.cmd.Args, said)
	}
	return text
}

// tail keeps the end of what is written.
type tail struct {
	mu   sync.Mutex
	kept []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept = append(t.kept, p...)
	if excess := len(t.kept) - stderrShown; excess > 0 {
		t.kept = append([]byte(nil), t.kept[excess:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.kept))
}

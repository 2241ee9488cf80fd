package lab

import (
	"encoding/json"
	"net"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"os"
	"os/signal"
)

// processes starts programs in a process that is pid 1 of its namespace and so
// must reap all orphans: os/exec would compete with it for wait4.
type processes struct {
	mu      sync.Mutex
	waiting map[int]chan syscall.WaitStatus
}

func newProcesses() *processes {
	p := &processes{waiting: map[int]chan syscall.WaitStatus{}}
	death := make(chan os.Signal, 1)
	signal.Notify(death, syscall.SIGCHLD)
	go func() {
		for range death {
			p.reap()
		}
	}()
	return p
}

// start runs argv in a session of its own. The channel tells how it ended.
func (p *processes) start(argv []string, attr *syscall.ProcAttr) (int, <-chan syscall.WaitStatus, error) {
	path, err := exec.LookPath(argv[0])
	if err != nil {
		return 0, nil, err
	}
	if attr.Sys == nil {
		attr.Sys = &syscall.SysProcAttr{}
	}
	attr.Sys.Setsid = true
	p.mu.Lock()
	defer p.mu.Unlock()
	pid, err := syscall.ForkExec(path, argv, attr)
	if err != nil {
		return 0, nil, &os.PathError{Op: "exec", Path: path, Err: err}
	}
	ended := make(chan syscall.WaitStatus, 1)
	p.waiting[pid] = ended
	return pid, ended, nil
}

func (p *processes) reap() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
		if err == syscall.EINTR {
			continue
		}
		if err != nil || pid <= 0 {
			return
		}
		if ended, ok := p.waiting[pid]; ok {
			delete(p.waiting, pid)
			ended <- status
		}
	}
}

// signal reaches a process only while it is not reaped, so never a stranger with its number.
func (p *processes) signal(pid int, sig syscall.Signal, group bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, alive := p.waiting[pid]; !alive {
		return false
	}
	if group {
		return syscall.Kill(-pid, sig) == nil
	}
	return syscall.Kill(pid, sig) == nil
}

// serveExec runs a client's program on the client's descriptors. A client that
// goes away takes its program along.
func (p *processes) serveExec(c *net.UnixConn, in *json.Decoder, q request, fds []int) {
	out := json.NewEncoder(c)
	if len(q.Argv) == 0 || len(fds) != 3 {
		out.Encode(reply{Err: "internal error: exec without program or descriptors", Code: 255})
		return
	}
	dir := q.Dir
	if info, err := os.Stat(dir); dir == "" || err != nil || !info.IsDir() {
		dir = "/"
	}
	attr := &syscall.ProcAttr{Dir: dir, Env: q.Env, Files: []uintptr{uintptr(fds[0]), uintptr(fds[1]), uintptr(fds[2])}}
	pid, ended, err := p.start(q.Argv, attr)
	for i, fd := range fds {
		syscall.Close(fd)
		fds[i] = -1 // our copies must go, or the client would never see the end of its pipes
	}
	if err != nil {
		out.Encode(reply{Err: err.Error(), Code: 127})
		return
	}
	go func() {
		for {
			var i interrupt
			if in.Decode(&i) != nil {
				p.signal(pid, syscall.SIGKILL, true)
				return
			}
			p.signal(pid, syscall.Signal(i.Signal), true)
		}
	}()
	status := <-ended
	code := status.ExitStatus()
	if status.Signaled() {
		code = 128 + int(status.Signal())
	}
	out.Encode(reply{Code: code})
}

// run starts argv without input and waits for it at most for the given time.
func (p *processes) run(limit time.Duration, log *os.File, argv ...string) bool {
	null, err := os.OpenFile("/dev/null", os.O_RDWR, 0)
	if err != nil {
		return false
	}
	defer null.Close()
	out := null.Fd()
	if log != nil {
		out = log.Fd()
	}
	pid, ended, err := p.start(argv, &syscall.ProcAttr{Env: os.Environ(), Files: []uintptr{null.Fd(), out, out}})
	if err != nil {
		return false
	}
	select {
	case status := <-ended:
		return status.Exited() && status.ExitStatus() == 0
	case <-time.After(limit):
		p.signal(pid, syscall.SIGKILL, true)
		<-ended
		return false
	}
}

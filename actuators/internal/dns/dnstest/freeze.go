package dnstest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Freeze stops the server and waits until all of its threads are stopped: the signal reaches them one by one.
func (s *Server) Freeze(t *testing.T) { s.signal(t, syscall.SIGSTOP) }

// Thaw lets a frozen server go on.
func (s *Server) Thaw(t *testing.T) { s.signal(t, syscall.SIGCONT) }

func (s *Server) signal(t *testing.T, sig syscall.Signal) {
	t.Helper()
	if err := s.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); stopped(t, s.Process.Pid) != (sig == syscall.SIGSTOP); {
		if time.Now().After(deadline) {
			t.Fatalf("the server does not mind %s", sig)
		}
	}
}

// stopped tells whether every thread of a process is stopped: state T, see proc_pid_stat(5).
func stopped(t *testing.T, pid int) bool {
	t.Helper()
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	if err != nil || len(threads) == 0 {
		t.Fatalf("no thread of process %d: %v", pid, err)
	}
	for _, thread := range threads {
		data, err := os.ReadFile(thread)
		if _, rest, _ := strings.Cut(string(data), ") "); err != nil || !strings.HasPrefix(rest, "T") { // an error: it just ended
			return false
		}
	}
	return true
}

package virt

import (
	"context"
	"net"
	"os"
	"syscall"
	"testing"

	"plumbline/actuators"
)

// away is a host whose libvirtd is not there for some dials.
type away struct {
	actuators.Host
	err   error
	times int
}

func (a *away) Dial(context.Context, string, string) (net.Conn, error) {
	if a.times == 0 {
		near, far := net.Pipe()
		far.Close()
		return near, nil
	}
	a.times--
	return nil, &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", a.err.(syscall.Errno))}
}

func TestADaemonThatIsBeingRestartedIsWaitedFor(t *testing.T) {
	for _, absent := range []error{syscall.ECONNREFUSED, syscall.ENOENT} {
		conn, err := dial(t.Context(), &away{err: absent, times: 3})
		if err != nil {
			t.Errorf("%v: %v", absent, err)
			continue
		}
		conn.Close()
	}
}

func TestOnlyAnAbsentDaemonIsWaitedFor(t *testing.T) {
	h := &away{err: syscall.EACCES, times: 1}
	if _, err := dial(t.Context(), h); err == nil || h.times != 0 {
		t.Errorf("got %v after %d dials", err, 1-h.times)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := dial(ended, &away{err: syscall.ECONNREFUSED, times: 100}); err == nil {
		t.Error("waited on although nobody asks any more")
	}
}

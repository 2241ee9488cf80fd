package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"plumbline/reconcile"
)

// puppet is a loop that does what it is told.
type puppet struct {
	mu     sync.Mutex
	status reconcile.Status
	hangs  bool
}

func (p *puppet) Status() reconcile.Status {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.status
}

func (p *puppet) Turns(context.Context) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.hangs
}

func (p *puppet) set(head string, hangs bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.status.Head, p.status.Phase, p.hangs = head, reconcile.Waiting, hangs
}

// supervised runs a supervisor over a puppet, with a socket of the test's own for the service manager's.
func supervised(t *testing.T, address string) (p *puppet, hear func(until string) []string, stop func()) {
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: address, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { socket.Close() })
	t.Setenv("NOTIFY_SOCKET", address)
	t.Setenv("WATCHDOG_USEC", "30000")
	t.Setenv("WATCHDOG_PID", fmt.Sprint(os.Getpid()))
	p = &puppet{}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	s := newSupervisor(zerolog.Nop())
	go func() { ended <- s.run(ctx, p) }()
	hear = func(until string) (heard []string) {
		_ = socket.SetReadDeadline(time.Now().Add(time.Minute))
		word := make([]byte, 1024)
		for {
			n, err := socket.Read(word)
			if err != nil {
				t.Fatalf("heard %q, and then %v", heard, err)
			}
			heard = append(heard, string(word[:n]))
			if strings.Contains(heard[len(heard)-1], until) {
				return heard
			}
		}
	}
	return p, hear, sync.OnceFunc(func() { cancel(); <-ended })
}

func TestTheServiceManagerIsTold(t *testing.T) {
	for _, address := range []string{filepath.Join(t.TempDir(), "notify"), fmt.Sprintf("@plumb-test-%d", os.Getpid())} {
		p, hear, stop := supervised(t, address)
		hear("EXTEND_TIMEOUT_USEC=120000000") // it starts, and nothing was seen yet
		p.set("first", false)
		heard := strings.Join(hear("READY=1"), " ")
		if strings.Contains(heard, "WATCHDOG") || !strings.Contains(heard, "STATUS=waiting; head first") {
			t.Errorf("before it is ready: %s", heard)
		}
		hear("WATCHDOG=1")
		if os.Getenv("NOTIFY_SOCKET") != "" {
			t.Error("programs that we start would speak for us")
		}
		stop()
		hear("STOPPING=1")
	}
}

func TestALoopThatHangsLosesTheWatchdog(t *testing.T) {
	p, hear, stop := supervised(t, filepath.Join(t.TempDir(), "notify"))
	defer stop()
	p.set("first", false)
	hear("WATCHDOG=1")
	p.set("second", true)
	hear("head second")
	p.set("third", true)
	if heard := strings.Join(hear("head third"), " "); strings.Contains(heard, "WATCHDOG") {
		t.Errorf("a loop that hangs was fed: %s", heard)
	}
	p.set("fourth", false)
	hear("WATCHDOG=1")
}

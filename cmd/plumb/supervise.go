package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"plumbline/reconcile"
)

// loop is what the service manager is told of: reconcile.Controller.
type loop interface {
	Status() reconcile.Status
	Turns(ctx context.Context) bool
}

// supervisor tells the service manager that started us how the loop is, sd_notify(3): datagrams of NAME=VALUE lines on the
// socket that NOTIFY_SOCKET names, "@…" an abstract one.
type supervisor struct {
	conn  *net.UnixConn // nil: nobody is told
	every time.Duration // between two looks at the loop
	log   zerolog.Logger
	said  string // the last STATUS
}

const (
	readyPoll  = 250 * time.Millisecond // until the repository was asked once
	statusPoll = 10 * time.Second       // without a watchdog
	// startGrace is how much longer a start may take, told anew at each look: taking up an open plan takes its time.
	startGrace = 2 * time.Minute
)

// newSupervisor takes the service manager's word from the environment, and takes it away from the programs that we start.
func newSupervisor(log zerolog.Logger) *supervisor {
	s := &supervisor{every: statusPoll, log: log}
	address := os.Getenv("NOTIFY_SOCKET")
	micros, err := strconv.ParseInt(os.Getenv("WATCHDOG_USEC"), 10, 64)
	if pid := os.Getenv("WATCHDOG_PID"); err == nil && micros > 0 && (pid == "" || pid == strconv.Itoa(os.Getpid())) {
		s.every = time.Duration(micros) * time.Microsecond / 3 // one may come late
	}
	for _, name := range []string{"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"} {
		os.Unsetenv(name)
	}
	if address == "" {
		return s
	}
	if s.conn, err = net.DialUnix("unixgram", nil, &net.UnixAddr{Name: address, Net: "unixgram"}); err != nil {
		log.Warn().Err(err).Msg("cannot reach the service manager")
	}
	return s
}

// run tells until the context ends: that we are ready when the repository was asked for the first time, then what the loop
// does, and the watchdog only as long as the loop turns.
func (s *supervisor) run(ctx context.Context, l loop) error {
	if s.conn == nil {
		<-ctx.Done()
		return ctx.Err()
	}
	defer s.conn.Close()
	for ready := false; ; {
		wait := readyPoll
		if now := l.Status(); now.Head != "" || now.Source != "" {
			s.status(now)
			if !ready {
				s.tell("READY=1")
			}
			ready, wait = true, s.every
		}
		s.alive(ctx, l, ready, min(wait, time.Second))
		select {
		case <-ctx.Done():
			s.tell("STOPPING=1\nSTATUS=finishing or taking back what is under way")
			return ctx.Err()
		case <-time.After(wait):
		}
	}
}

// alive says that the loop turns, if it does. One at work is given a moment to come to rest.
func (s *supervisor) alive(ctx context.Context, l loop, ready bool, moment time.Duration) {
	asked, cancel := context.WithTimeout(ctx, moment)
	defer cancel()
	switch {
	case !l.Turns(asked):
	case ready:
		s.tell("WATCHDOG=1")
	default:
		s.tell(fmt.Sprintf("EXTEND_TIMEOUT_USEC=%d", startGrace.Microseconds()))
	}
}

func (s *supervisor) status(now reconcile.Status) {
	text := string(now.Phase)
	switch {
	case now.Suspended != "":
		text = "suspended: " + now.Suspended
	case now.Source != "":
		text += "; cannot read the repository: " + now.Source
	case now.Head != "":
		text += fmt.Sprintf("; head %.10s %s, %s", now.Head, now.Verdict, plural(now.Objects, "object"))
	}
	if text != s.said {
		s.said = text
		s.tell("STATUS=" + strings.ReplaceAll(text, "\n", "; "))
	}
}

func (s *supervisor) tell(words string) {
	_ = s.conn.SetWriteDeadline(time.Now().Add(time.Second)) // a full queue holds nobody up
	if _, err := s.conn.Write([]byte(words)); err != nil {
		s.log.Warn().Err(err).Msg("cannot tell the service manager")
	}
}

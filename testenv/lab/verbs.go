package lab

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"plumbline/testenv/freeze"
)

// stopLimit is how long a service may take to end before it is killed.
const stopLimit = 5 * time.Second

func (s *services) answer(q request) reply {
	switch q.Verb {
	case "status":
		return reply{Services: s.states()}
	case "service":
		if err := s.act(q); err != nil {
			return reply{Err: err.Error()}
		}
		return reply{Services: s.states()}
	}
	return reply{Err: fmt.Sprintf("internal error: unknown request %q", q.Verb)}
}

// act returns when the state that was asked for is reached. What disturbs a service does so at once; all else waits for its
// turn, and is not done for a client that is gone by then: its successor would find it undone, and it would come later.
func (s *services) act(q request) error {
	r, ok := s.all[q.Service]
	if !ok {
		return fmt.Errorf("no service %s", q.Service)
	}
	switch q.Action {
	case "kill":
		return s.kill(r)
	case "freeze":
		return s.freeze(r)
	case "thaw":
		return s.demand(r, q.Action, syscall.SIGCONT)
	}
	r.doing.Lock()
	defer r.doing.Unlock()
	if q.gone() {
		return fmt.Errorf("cannot %s %s: nobody waits for it any more", q.Action, r.Name)
	}
	switch q.Action {
	case "start":
		return s.start(r)
	case "stop":
		return s.stop(r)
	case "restart":
		return errors.Join(s.stop(r), s.start(r))
	case "reload":
		return s.reload(r)
	case "reload-or-restart":
		return s.reloadOrStart(r)
	}
	return fmt.Errorf("internal error: unknown action %q", q.Action)
}

func (s *services) reloadOrStart(r *running) error {
	s.mu.Lock()
	alive := r.alive()
	s.mu.Unlock()
	if alive {
		return s.reload(r)
	}
	return s.start(r)
}

func (s *services) states() map[string]ServiceState {
	s.mu.Lock()
	defer s.mu.Unlock()
	states := map[string]ServiceState{}
	for _, name := range s.order {
		r := s.all[name]
		state := ServiceState{Waiting: r.waiting()}
		if r.alive() {
			state.Pid, state.Frozen = r.pid, r.frozen
		}
		states[name] = state
	}
	return states
}

func (s *services) stop(r *running) error {
	_, ended := s.end(r, syscall.SIGTERM, false)
	s.signal(r, syscall.SIGCONT)
	select {
	case <-ended:
	case <-time.After(stopLimit):
		return s.kill(r)
	}
	return nil
}

// kill ends the service and the children in its process group. Until they are reaped,
// a successor such as keepalived may take them for a daemon that runs.
func (s *services) kill(r *running) error {
	group, ended := s.end(r, syscall.SIGKILL, true)
	<-ended
	for deadline := time.Now().Add(stopLimit); group != 0 && syscall.Kill(-group, 0) == nil; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			return fmt.Errorf("cannot kill %s: its children live on", r.Name)
		}
	}
	return nil
}

// end notes that the service is to be down, and tells so the process that runs now, if any, or its group.
func (s *services) end(r *running, sig syscall.Signal, group bool) (pid int, ended <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r.stopped = true
	if !r.alive() {
		none := make(chan struct{})
		close(none)
		return 0, none
	}
	s.run.signal(r.pid, sig, group)
	return r.pid, r.ended
}

// signal reaches the main process only.
func (s *services) signal(r *running, sig syscall.Signal) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !r.alive() || !s.run.signal(r.pid, sig, false) {
		return false
	}
	switch sig {
	case syscall.SIGSTOP:
		r.frozen = true
	case syscall.SIGCONT:
		r.frozen = false
	}
	return true
}

func (s *services) demand(r *running, verb string, sig syscall.Signal) error {
	if !s.signal(r, sig) {
		return fmt.Errorf("cannot %s %s: it is not running", verb, r.Name)
	}
	return nil
}

// freeze returns when each thread of the main process stands.
func (s *services) freeze(r *running) error {
	if err := s.demand(r, "freeze", syscall.SIGSTOP); err != nil {
		return err
	}
	s.await(r, func(pid int) bool {
		stands, err := freeze.Stands(pid)
		return err != nil || stands
	})
	return nil
}

// reload first waits until the process minds SIGHUP: one that has just started would die of it. It returns when the
// process has taken the signal.
func (s *services) reload(r *running) error {
	s.await(r, func(pid int) bool { return minds(pid, syscall.SIGHUP) })
	if err := s.demand(r, "reload", syscall.SIGHUP); err != nil {
		return err
	}
	s.await(r, func(pid int) bool { return !masked(pid, syscall.SIGHUP, "SigPnd", "ShdPnd") })
	return nil
}

// await waits until the process is as wanted, or has ended, or stopLimit is over.
func (s *services) await(r *running, wanted func(pid int) bool) {
	for deadline := time.Now().Add(stopLimit); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		s.mu.Lock()
		pid, alive := r.pid, r.alive()
		s.mu.Unlock()
		if !alive || wanted(pid) {
			return
		}
	}
}

// minds tells whether a process catches or blocks (signalfd) a signal.
func minds(pid int, sig syscall.Signal) bool { return masked(pid, sig, "SigCgt", "SigBlk") }

// masked tells whether a signal is in one of the masks of a process: proc(5) status.
func masked(pid int, sig syscall.Signal, masks ...string) bool {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for _, line := range strings.Split(string(text), "\n") {
		name, mask, _ := strings.Cut(line, ":\t")
		if !slices.Contains(masks, name) {
			continue
		}
		if bits, err := strconv.ParseUint(mask, 16, 64); err == nil && bits&(1<<(uint(sig)-1)) != 0 {
			return true
		}
	}
	return false
}

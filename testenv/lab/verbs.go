package lab

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// stopLimit is how long a service may take to end before it is killed.
const stopLimit = 5 * time.Second

func (s *services) answer(q request) reply {
	switch q.Verb {
	case "status":
		return reply{Services: s.states()}
	case "service":
		if err := s.act(q.Service, q.Action); err != nil {
			return reply{Err: err.Error()}
		}
		return reply{Services: s.states()}
	}
	return reply{Err: fmt.Sprintf("internal error: unknown request %q", q.Verb)}
}

func (s *services) act(name, action string) error {
	r, ok := s.all[name]
	if !ok {
		return fmt.Errorf("no service %s", name)
	}
	switch action {
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
	case "kill":
		return s.kill(r)
	case "freeze":
		return s.demand(r, action, syscall.SIGSTOP)
	case "thaw":
		return s.demand(r, action, syscall.SIGCONT)
	}
	return fmt.Errorf("internal error: unknown action %q", action)
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
	ended := s.end(r, syscall.SIGTERM)
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
	s.mu.Lock()
	group := r.pid
	alive := r.alive()
	if alive {
		s.run.signal(group, syscall.SIGKILL, true)
	}
	s.mu.Unlock()
	<-s.end(r, syscall.SIGKILL)
	for deadline := time.Now().Add(stopLimit); alive && syscall.Kill(-group, 0) == nil; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			return fmt.Errorf("cannot kill %s: its children live on", r.Name)
		}
	}
	return nil
}

// end notes that the service is to be down and tells it so.
func (s *services) end(r *running, sig syscall.Signal) (ended <-chan struct{}) {
	s.signal(r, sig)
	s.mu.Lock()
	defer s.mu.Unlock()
	r.stopped = true
	if r.ended == nil {
		never := make(chan struct{})
		close(never)
		return never
	}
	return r.ended
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

// reload first waits until the process minds SIGHUP: one that has just started would die of it.
func (s *services) reload(r *running) error {
	for deadline := time.Now().Add(stopLimit); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		s.mu.Lock()
		pid, alive := r.pid, r.alive()
		s.mu.Unlock()
		if !alive || minds(pid, syscall.SIGHUP) {
			break
		}
	}
	return s.demand(r, "reload", syscall.SIGHUP)
}

// minds tells whether a process catches or blocks (signalfd) a signal: the masks of proc(5) status.
func minds(pid int, sig syscall.Signal) bool {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for _, line := range strings.Split(string(text), "\n") {
		name, mask, _ := strings.Cut(line, ":\t")
		if name != "SigCgt" && name != "SigBlk" {
			continue
		}
		if bits, err := strconv.ParseUint(mask, 16, 64); err == nil && bits&(1<<(uint(sig)-1)) != 0 {
			return true
		}
	}
	return false
}

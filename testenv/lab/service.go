package lab

import (
	"errors"
	"fmt"
	"os"
	"sort"
	"sync"
	"syscall"
	"time"
)

// Service is a program that pid 1 of a host runs in the foreground. It is never
// restarted by itself: what a test kills stays dead.
type Service struct {
	Name  string
	Argv  []string
	When  string   // runs only while this file exists, and starts as soon as it appears
	Ready []string // succeeds when the service answers; nil = at once
}

// ServiceState is what Status tells of a service.
type ServiceState struct {
	Pid     int // inside the host; 0 = not running
	Frozen  bool
	Waiting bool // for the file named by When
}

// stopLimit is how long a service may take to end before it is killed.
const stopLimit = 5 * time.Second

type services struct {
	run   *processes
	mu    sync.Mutex
	order []string
	all   map[string]*running
}

type running struct {
	Service
	pid     int
	ended   chan struct{}
	frozen  bool
	stopped bool // by request: When does not start it again
}

func newServices(b boot, run *processes) (*services, error) {
	s := &services{run: run, all: map[string]*running{}}
	for _, name := range b.Services {
		kind := builtin[name]
		if b.First && kind.prepare != nil {
			if err := kind.prepare(b); err != nil {
				return nil, fmt.Errorf("cannot prepare %s: %w", name, err)
			}
		}
		if kind.boot != nil {
			if err := kind.boot(); err != nil {
				return nil, fmt.Errorf("cannot prepare %s: %w", name, err)
			}
		}
		s.add(kind.Service)
	}
	for _, d := range b.Daemons {
		s.add(d)
	}
	return s, os.MkdirAll(logDir, 0o755)
}

// logDir holds a log per service, inside the host.
const logDir = "/var/log/plumb-lab"

func (s *services) add(kind Service) {
	s.order = append(s.order, kind.Name)
	s.all[kind.Name] = &running{Service: kind}
}

func (s *services) startAll() error {
	errs := make([]error, len(s.order))
	var all sync.WaitGroup
	for i, name := range s.order {
		r := s.all[name]
		if r.waiting() {
			continue
		}
		all.Go(func() { errs[i] = s.start(r) })
	}
	all.Wait()
	return errors.Join(errs...)
}

// watch follows the files that services wait for.
func (s *services) watch() {
	for range time.Tick(200 * time.Millisecond) {
		for _, name := range s.order {
			r := s.all[name]
			s.mu.Lock()
			alive, stopped := r.alive(), r.stopped
			s.mu.Unlock()
			switch {
			case r.When == "":
			case !alive && !stopped && r.ended == nil && !r.waiting():
				s.start(r)
			case alive && r.waiting():
				s.stop(r)
				s.mu.Lock()
				r.stopped, r.ended = false, nil
				s.mu.Unlock()
			}
		}
	}
}

func (r *running) waiting() bool {
	if r.When == "" {
		return false
	}
	_, err := os.Stat(r.When)
	return err != nil
}

func (r *running) alive() bool {
	if r.ended == nil {
		return false
	}
	select {
	case <-r.ended:
		return false
	default:
		return true
	}
}

func (s *services) launch(r *running) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.alive() {
		return nil
	}
	log, err := os.OpenFile(logDir+"/"+r.Name+".log", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	null, err := os.Open("/dev/null")
	if err != nil {
		return err
	}
	defer null.Close()
	pid, status, err := s.run.start(r.Argv, &syscall.ProcAttr{
		Dir: "/", Env: hostEnv, Files: []uintptr{null.Fd(), log.Fd(), log.Fd()},
	})
	if err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() { <-status; close(ended) }()
	r.pid, r.ended, r.frozen, r.stopped = pid, ended, false, false
	return nil
}

func (s *services) start(r *running) error {
	if err := s.launch(r); err != nil {
		return fmt.Errorf("cannot start %s: %w", r.Name, err)
	}
	if r.Ready == nil {
		return nil
	}
	for deadline := time.Now().Add(bootLimit / 2); ; time.Sleep(20 * time.Millisecond) {
		if s.run.run(10*time.Second, nil, r.Ready...) {
			return nil
		}
		if !r.alive() || time.Now().After(deadline) {
			return fmt.Errorf("cannot start %s: it does not answer (log %s/%s.log)", r.Name, logDir, r.Name)
		}
	}
}

func (s *services) stop(r *running) error {
	s.mu.Lock()
	alive := r.alive()
	r.stopped = true
	s.mu.Unlock()
	if !alive {
		return nil
	}
	s.run.signal(r.pid, syscall.SIGTERM, false)
	s.thaw(r)
	select {
	case <-r.ended:
	case <-time.After(stopLimit):
		s.run.signal(r.pid, syscall.SIGKILL, false)
		<-r.ended
	}
	return nil
}

func (s *services) freeze(r *running) error {
	if !s.run.signal(r.pid, syscall.SIGSTOP, false) {
		return fmt.Errorf("cannot freeze %s: it is not running", r.Name)
	}
	r.frozen = true
	return nil
}

func (s *services) thaw(r *running) error {
	s.run.signal(r.pid, syscall.SIGCONT, false)
	r.frozen = false
	return nil
}

func (s *services) kill(r *running) error {
	s.mu.Lock()
	r.stopped = true
	s.mu.Unlock()
	if s.run.signal(r.pid, syscall.SIGKILL, false) {
		<-r.ended
	}
	return nil
}

func (s *services) reload(r *running) error {
	if !s.run.signal(r.pid, syscall.SIGHUP, false) {
		return fmt.Errorf("cannot reload %s: it is not running", r.Name)
	}
	return nil
}

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
		if r.alive() {
			return s.reload(r)
		}
		return s.start(r)
	case "kill":
		return s.kill(r)
	case "freeze":
		return s.freeze(r)
	case "thaw":
		return s.thaw(r)
	}
	return fmt.Errorf("internal error: unknown action %q", action)
}

func (s *services) states() map[string]ServiceState {
	s.mu.Lock()
	defer s.mu.Unlock()
	sort.Strings(s.order)
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

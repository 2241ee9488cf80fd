package lab

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"
)

// Service is a program that pid 1 of a host runs in the foreground. What is stopped or killed
// through its Control stays dead.
type Service struct {
	Name   string
	Argv   []string
	When   string   // runs only while this file exists, and starts as soon as it appears
	Ready  []string // succeeds when the service answers; nil = at once
	Revive Revive   // whether it is started again when it ends by itself; zero = never
}

// Revive is when a service that ended by itself is started again, in the words of systemd's Restart=.
type Revive string

// When a service is revived, as its unit of Debian says.
const (
	OnFailure Revive = "on-failure" // ended by a signal or with an error
	OnAbort   Revive = "on-abort"   // ended by a signal
)

// wants tells whether an end is one after which the service is started again.
func (r Revive) wants(end syscall.WaitStatus) bool {
	switch r {
	case OnFailure:
		return !end.Exited() || end.ExitStatus() != 0
	case OnAbort:
		return end.Signaled()
	}
	return false
}

// ServiceState is what Status tells of a service.
type ServiceState struct {
	Pid     int // inside the host; 0 = not running
	Frozen  bool
	Waiting bool // for the file named by When
}

type services struct {
	run   *processes
	mu    sync.Mutex
	order []string
	all   map[string]*running
}

type running struct {
	Service
	doing   sync.Mutex // held from the decision to start or stop until that state is reached
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
			if r := s.all[name]; r.When != "" {
				s.follow(r)
			}
		}
	}
}

// follow decides and acts in one go: a stop decided before the file came back would hit the service that was started with
// it. While another acts on the service it looks again later.
func (s *services) follow(r *running) {
	if !r.doing.TryLock() {
		return
	}
	defer r.doing.Unlock()
	waiting := r.waiting()
	s.mu.Lock()
	alive, fresh := r.alive(), r.ended == nil && !r.stopped
	s.mu.Unlock()
	switch {
	case fresh && !waiting:
		s.start(r)
	case waiting && alive:
		s.stop(r)
		fallthrough
	case waiting && !fresh:
		s.mu.Lock()
		r.stopped, r.ended = false, nil
		s.mu.Unlock()
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
	r.pid, r.ended, r.frozen, r.stopped = pid, ended, false, false
	go func() {
		end := <-status
		close(ended)
		if r.Revive.wants(end) {
			s.revive(r, ended)
		}
	}()
	return nil
}

// reviveAfter is what systemd waits at least (RestartSec).
const reviveAfter = 100 * time.Millisecond

// revive starts a service again that failed by itself, unless somebody acted on it since.
func (s *services) revive(r *running, ended chan struct{}) {
	time.Sleep(reviveAfter)
	r.doing.Lock()
	defer r.doing.Unlock()
	s.mu.Lock()
	ours := r.ended == ended && !r.stopped
	s.mu.Unlock()
	if ours {
		s.start(r) // if it does not answer, its log says why
	}
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
		s.mu.Lock()
		alive := r.alive()
		s.mu.Unlock()
		if !alive || time.Now().After(deadline) {
			return fmt.Errorf("cannot start %s: it does not answer (log %s/%s.log)", r.Name, logDir, r.Name)
		}
	}
}

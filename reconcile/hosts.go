package reconcile

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"plumbline/reconcile/exec"
)

// Dialer opens a connection to a host. The simulator has one of its own.
type Dialer func(ctx context.Context, host, ssh string) (exec.Executor, error)

// Hosts hands out executors by host name. A connection is opened when it is first needed and again after it broke; a host
// that does not answer fails its own calls and nothing else.
type Hosts struct {
	dial Dialer
	mu   sync.Mutex
	ssh  map[string]string // host → how ssh calls it
	open map[string]*slot
}

// slot is one host's connection; its lock lets one caller dial while others wait for that host only.
type slot struct {
	mu       sync.Mutex
	executor exec.Executor
	failed   error // of the last dial, and when; who waited for it gets the same answer
	at       time.Time
}

// dialPause is how long a failed dial answers for those that come after it: a dead host costs one timeout, not one for
// each kind.
const dialPause = 2 * time.Second

// NewHosts makes a pool over a dialer.
func NewHosts(dial Dialer) *Hosts {
	return &Hosts{dial: dial, ssh: map[string]string{}, open: map[string]*slot{}}
}

// Name tells how ssh calls a host, as the topology declares it.
func (h *Hosts) Name(host, ssh string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ssh[host] = ssh
}

// Get is the host's executor, connected.
func (h *Hosts) Get(ctx context.Context, host string) (exec.Executor, error) {
	s := h.slot(host)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.executor != nil {
		return s.executor, nil
	}
	if s.failed != nil && time.Since(s.at) < dialPause {
		return nil, s.failed
	}
	executor, err := h.Fresh(ctx, host)
	if err != nil {
		if ctx.Err() == nil {
			s.failed, s.at = err, time.Now()
		}
		return nil, err
	}
	s.executor, s.failed = executor, nil
	return executor, nil
}

// Fresh is a new connection of the caller's own, who closes it: a confirmation needs one.
func (h *Hosts) Fresh(ctx context.Context, host string) (exec.Executor, error) {
	h.mu.Lock()
	ssh := h.ssh[host]
	h.mu.Unlock()
	executor, err := h.dial(ctx, host, ssh)
	if err != nil {
		return nil, fmt.Errorf("cannot reach host %s: %w", host, err)
	}
	return executor, nil
}

// Drop closes a host's connection; the next Get opens another.
func (h *Hosts) Drop(host string) {
	s := h.slot(host)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failed = nil
	if s.executor != nil {
		s.executor.Close()
		s.executor = nil
	}
}

// Retry forgets which dials failed a moment ago: a person who asks wants it tried now.
func (h *Hosts) Retry() {
	h.mu.Lock()
	slots := slices.Collect(maps.Values(h.open))
	h.mu.Unlock()
	for _, s := range slots {
		if s.mu.TryLock() { // who holds it dials already
			s.failed = nil
			s.mu.Unlock()
		}
	}
}

// Connected lists the hosts that a connection is open to.
func (h *Hosts) Connected() (names []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for name, s := range h.open {
		if s.mu.TryLock() { // who holds it dials
			if s.executor != nil {
				names = append(names, name)
			}
			s.mu.Unlock()
		}
	}
	slices.Sort(names)
	return names
}

// Discard closes a connection that broke, if it is still the host's: another caller may have opened a new one.
func (h *Hosts) Discard(host string, broken exec.Executor) {
	s := h.slot(host)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.executor == broken && broken != nil {
		s.executor.Close()
		s.executor = nil
	}
}

// Close closes all connections.
func (h *Hosts) Close() {
	h.mu.Lock()
	names := make([]string, 0, len(h.open))
	for name := range h.open {
		names = append(names, name)
	}
	h.mu.Unlock()
	for _, name := range names {
		h.Drop(name)
	}
}

func (h *Hosts) slot(host string) *slot {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.open[host] == nil {
		h.open[host] = &slot{}
	}
	return h.open[host]
}

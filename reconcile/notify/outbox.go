package notify

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
)

// Outbox is what was decided and is not told to everybody yet, together with the state of who decided it: both change in one
// commit, so that no end of the process, at whatever instant, forgets a notice or decides it twice.
//
// A file is a log of commits, a line each. A line counts as a whole or, when its write was torn, not at all. The log is
// rewritten when most of it is history. It may be used by many goroutines; one process has it open.
type Outbox struct {
	mu      sync.Mutex
	log     *logFile // nil: in memory
	state   map[string]json.RawMessage
	open    map[string]Notice // firing, by fingerprint
	waiting []Notice          // what some sink was not given yet, in order
	next    uint64            // number of the notice that is decided next, from 1
	sent    map[string]uint64 // number of the newest that each sink was given
	damage  int               // lines of the file that could not be read
}

// commit is a line of the log.
type commit struct {
	State   map[string]json.RawMessage `json:"state,omitempty"` // null takes a key away
	Notices []Notice                   `json:"notices,omitempty"`
	Sent    map[string]uint64          `json:"sent,omitempty"`
	Whole   *whole                     `json:"whole,omitempty"` // the log begins here
}

// whole is all that a log that is rewritten says beside state and notices.
type whole struct {
	Next uint64            `json:"next"`
	Open map[string]Notice `json:"open,omitempty"`
}

// waitingMost is how many notices wait for a sink. When more do, the oldest is given up: what is news matters more.
const waitingMost = 1024

// NewOutbox is one in memory: it remembers nothing over the end of the process.
func NewOutbox() *Outbox {
	return &Outbox{state: map[string]json.RawMessage{}, open: map[string]Notice{}, sent: map[string]uint64{}, next: 1}
}

// OpenOutbox opens the one of a file, which it makes if there is none. What cannot be read of it is left out, see Damage.
func OpenOutbox(path string) (*Outbox, error) {
	o := NewOutbox()
	log, err := openLog(path, o.line)
	if err != nil {
		return nil, fmt.Errorf("cannot open what is to be told: %w", err)
	}
	o.log = log
	return o, o.rewrite()
}

// line takes in a line of the file.
func (o *Outbox) line(text []byte) {
	var c commit
	if json.Unmarshal(text, &c) != nil {
		o.damage++
		return
	}
	o.take(c)
}

// Damage counts commits of the file that could not be read.
func (o *Outbox) Damage() int { return o.damage }

// State is what was committed under keys with this beginning.
func (o *Outbox) State(prefix string) map[string]json.RawMessage {
	o.mu.Lock()
	defer o.mu.Unlock()
	out := map[string]json.RawMessage{}
	for key, value := range o.state {
		if len(key) >= len(prefix) && key[:len(prefix)] == prefix {
			out[key] = value
		}
	}
	return out
}

// Open lists the notices that fire and are not resolved, oldest first.
func (o *Outbox) Open() []Notice {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.SortedFunc(maps.Values(o.open), func(a, b Notice) int { return a.StartsAt.Compare(b.StartsAt) })
}

// Commit changes state (nil takes a key away) and decides notices; both are on the disk when it returns. After an error they
// count as well, for telling matters more than remembering; the next commit writes everything anew.
func (o *Outbox) Commit(state map[string]json.RawMessage, notices ...Notice) error {
	if len(state)+len(notices) == 0 {
		return nil
	}
	return o.write(commit{State: state, Notices: notices})
}

func (o *Outbox) write(c commit) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.take(c)
	if o.log == nil {
		return nil
	}
	if o.log.stale() {
		return o.rewrite()
	}
	line, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("internal error: cannot write a notice: %w", err)
	}
	return o.log.append(line)
}

// take takes a commit in. The caller holds the lock, or nobody else knows it yet.
func (o *Outbox) take(c commit) {
	if c.Whole != nil {
		o.next, o.open = c.Whole.Next-uint64(len(c.Notices)), c.Whole.Open
		if o.open == nil {
			o.open = map[string]Notice{}
		}
	}
	for key, value := range c.State {
		if value == nil || bytes.Equal(value, []byte("null")) {
			delete(o.state, key)
		} else {
			o.state[key] = value
		}
	}
	for _, n := range c.Notices {
		o.decide(n)
	}
	maps.Copy(o.sent, c.Sent)
	o.trim()
}

func (o *Outbox) decide(n Notice) {
	o.waiting = append(o.waiting, n)
	o.next++
	switch {
	case n.Fingerprint == "":
	case n.Status == Firing:
		o.open[n.Fingerprint] = n
	case n.Status == Resolved:
		delete(o.open, n.Fingerprint)
	}
}

// first is the number of the oldest notice that waits.
func (o *Outbox) first() uint64 { return o.next - uint64(len(o.waiting)) }

// trim forgets what every sink was given, and the oldest when too much waits.
func (o *Outbox) trim() {
	given := o.next - 1
	for _, number := range o.sent {
		given = min(given, number)
	}
	drop := 0
	if given >= o.first() && len(o.sent) > 0 {
		drop = int(given - o.first() + 1)
	}
	drop = max(drop, len(o.waiting)-waitingMost)
	if drop > 0 {
		o.waiting = slices.Clone(o.waiting[drop:])
	}
}

// follow says which sinks there are. A new one is given what is decided from now on; one that is gone waits for nothing.
func (o *Outbox) follow(sinks []string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	sent := map[string]uint64{}
	for _, sink := range sinks {
		number, known := o.sent[sink]
		if !known {
			number = o.next - 1
		}
		sent[sink] = number
	}
	o.sent = sent
	o.trim()
	return o.rewrite()
}

// after is the notice that a sink is to be given next, with its number; lost is how many had to go for it. false: none waits.
func (o *Outbox) after(sink string) (n Notice, number uint64, lost int, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	number = o.sent[sink] + 1
	if first := o.first(); number < first {
		lost, number = int(first-number), first
	}
	if number >= o.next {
		return n, number, lost, false
	}
	return o.waiting[number-o.first()], number, lost, true
}

// given notes that a sink was given a notice and all before it.
func (o *Outbox) given(sink string, number uint64) error {
	return o.write(commit{Sent: map[string]uint64{sink: number}})
}

// rewrite makes the log one line. The caller holds the lock.
func (o *Outbox) rewrite() error {
	if o.log == nil {
		return nil
	}
	line, err := json.Marshal(commit{State: o.state, Notices: o.waiting, Sent: o.sent, Whole: &whole{Next: o.next, Open: o.open}})
	if err != nil {
		return fmt.Errorf("internal error: cannot write the notices: %w", err)
	}
	return o.log.replace(line)
}

// Waiting counts what each sink was not given yet.
func (o *Outbox) Waiting() map[string]int {
	o.mu.Lock()
	defer o.mu.Unlock()
	out := map[string]int{}
	for sink, number := range o.sent {
		out[sink] = int(o.next - 1 - number)
	}
	return out
}

// durable tells whether what waits outlives the process.
func (o *Outbox) durable() bool { return o.log != nil }

// Close lets the file go; nothing may be committed any more.
func (o *Outbox) Close() error {
	if o.log == nil {
		return nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return errors.Join(o.rewrite(), o.log.close())
}

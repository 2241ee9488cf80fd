package exec

import (
	"context"
	"encoding/json"
	"time"

	"plumbline/actuators"
	"plumbline/reconcile/who"
	"plumbline/schema"
)

// Executor runs the verbs of kinds on one host. Every method ends by its context. Preflight, Capture, Observe, Stamps and
// Traces change nothing; Do, Undo and Confirm do, and are refused in read-only mode and for an epoch below the highest seen.
type Executor interface {
	// Hello tells who answers. The clock is the host's at the time of the answer.
	Hello(ctx context.Context) (Hello, error)
	// Observe gives all of the scope or an error.
	Observe(ctx context.Context, kind string, sc actuators.Scope) ([]actuators.Observed, error)
	// Stamps gives the stamps of scopes, by kind, in one question. A kind that has none, whose stamp is empty, failed or took
	// too long is left out: it promises nothing, and a look decides.
	Stamps(ctx context.Context, scopes map[string]actuators.Scope) (map[string]string, error)
	// Traces gives what the host's own records say of who did what in a time. Sources that are absent say nothing, and are no
	// error.
	Traces(ctx context.Context, q who.Query) ([]who.Trace, error)
	Preflight(ctx context.Context, c Call) error
	Capture(ctx context.Context, c Call) (json.RawMessage, error)
	// Do runs the op; with Confirm > 0 it arms the watcher first. An error that is ErrUnknown says nothing about what
	// happened: a look decides.
	Do(ctx context.Context, c Call) error
	Undo(ctx context.Context, c Call) error
	// Many runs one of these four verbs, or Confirm, for many calls, and answers each for itself, in order. Calls of one op that
	// does many at once go together, all under the longest of their timeouts and, where they want a confirmation, under one
	// watcher. Its own error speaks of the connection: then there is no answer to any call, and the outcome of each Do, Undo
	// or Confirm is unknown.
	Many(ctx context.Context, verb Verb, calls []Call) ([]Answer, error)
	// Confirm keeps what a step with Confirm > 0 did. It is refused on the connection that did the step, and ErrReverted
	// when the deadline has passed. A step that waits for nothing is confirmed already.
	Confirm(ctx context.Context, step string) error
	// Watch sends hints until the context ends or the source breaks, and returns the reason; ErrPolled for a kind that
	// gives no hints.
	Watch(ctx context.Context, kind string, emit func(actuators.Event)) error
	// Close ends the connection and the process behind it.
	Close() error
}

// Call is one op on one instance. Before is what Capture gave; Preflight and Capture leave it empty.
type Call struct {
	Plan     string          `json:"plan,omitempty"`
	Step     string          `json:"step"`
	Epoch    uint64          `json:"epoch"`
	Kind     string          `json:"kind"`
	Op       string          `json:"op"`
	Version  int             `json:"version"`
	Instance schema.Instance `json:"instance"`
	Params   json.RawMessage `json:"params,omitempty"`
	Before   json.RawMessage `json:"before,omitempty"`
	Timeout  time.Duration   `json:"timeout,omitempty"` // of each verb; 0 = the op's own
	Confirm  time.Duration   `json:"confirm,omitempty"` // 0 = the op's own
}

// Verb is what Many does.
type Verb string

// The verbs of Many.
const (
	Preflight Verb = "preflight"
	Capture   Verb = "capture"
	Do        Verb = "do"
	Undo      Verb = "undo"
	Confirm   Verb = "confirm" // of a Call only its Step is read
)

// Answer is what one of many calls came to.
type Answer struct {
	Before json.RawMessage // of Capture
	Err    error
}

// Hello is the handshake.
type Hello struct {
	Protocol int       `json:"protocol"`         // of the pipe; both ends must agree
	Version  string    `json:"version"`          // of plumb
	Binary   string    `json:"binary,omitempty"` // SHA-256 of the program, if its file is named by it
	Schema   string    `json:"schema"`           // hash of the schema
	Arch     string    `json:"arch"`             // GOOS/GOARCH
	Machine  string    `json:"machine"`          // /etc/machine-id
	Boot     string    `json:"boot"`             // kernel's boot ID
	Name     string    `json:"name"`             // in the topology, as the executor was told
	Hostname string    `json:"hostname"`         // the kernel's
	Clock    time.Time `json:"clock"`
	Kinds    []string  `json:"kinds"`
	Epoch    uint64    `json:"epoch"` // highest seen
	ReadOnly bool      `json:"readOnly,omitempty"`
	Waiting  []string  `json:"waiting,omitempty"`  // steps that wait for a confirmation
	Reverted []string  `json:"reverted,omitempty"` // steps undone because no confirmation came
	Problems []string  `json:"problems,omitempty"` // what went wrong at start, a watcher that would not run
}

// Protocol is the number in Hello; it changes when an older end would misunderstand.
const Protocol = 3

// Options say who the executor is.
type Options struct {
	Version string // of plumb, for Hello
	Schema  string // hash of the schema, for Hello
	// Watcher is the argv of a program that calls WatchConfirm; the file's path is appended. "/proc/self/exe" is this
	// binary. Empty: the one of Hook; without both, a step that wants a confirmation is refused.
	Watcher []string
	// ReadOnly refuses Preflight, Do, Undo and Confirm, takes up nothing that waits for a confirmation, and lets no kind write or
	// remove a file.
	ReadOnly bool
	// Passing, if set, hears of every boundary of a verb just before it is passed: see (*local).passing. Tests end the process
	// there.
	Passing func(boundary string)

	protocol int // for Hello; 0 = Protocol. Tests say another
}

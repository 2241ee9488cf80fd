package run

import (
	"context"
	"errors"
	"time"

	"github.com/rs/zerolog"

	"plumbline/actuators"
	"plumbline/reconcile/exec"
	"plumbline/reconcile/inventory"
	"plumbline/reconcile/journal"
	"plumbline/reconcile/plan"
	"plumbline/schema"
)

// ErrAbandoned means that the run was told to stop at once. The plan stays open, to be resumed.
var ErrAbandoned = errors.New("abandoned; the plan stays open and is taken up by the next start")

// Store is what a run needs of the journal. *journal.Store implements it.
type Store interface {
	Installation() string
	Epoch() uint64 // of what may be done now; Begin and Raise begin a new one
	Raise() error
	Begin(p *plan.Plan, at time.Time) error
	Append(records ...journal.Record) error // all on the disk, or none
	End(planID string, e journal.Ending) error
	OpenPlans() ([]*plan.Plan, error)
	Records(planID string) ([]journal.Record, error)
	Entry(i schema.Instance) (*inventory.Entry, error)
}

// Hosts hands out connections by host name; "" is the controller. *reconcile.Hosts implements it.
type Hosts interface {
	Get(ctx context.Context, host string) (exec.Executor, error)   // shared
	Fresh(ctx context.Context, host string) (exec.Executor, error) // the caller's own, who closes it
	Drop(host string)                                              // the shared one is broken
}

// Input is what a run is given.
type Input struct {
	Plan     *plan.Plan // Resume takes the open plans of the store instead
	Store    Store
	Hosts    Hosts
	Kinds    *actuators.Registry
	Parallel int // steps under way at a time, or companies of steps that go together; 0 = 1024
	PerHost  int // verbs at a time on one host; 0 = 4
	// HostsAtOnce is on how many hosts something is changed at the same time; steps of others wait. 0 = any number. Ways back
	// ask nobody.
	HostsAtOnce int
	Patience    time.Duration // how long an undo waits for a host that does not answer; 0 = 2 minutes
	Progress    func(Event)   // called by one goroutine, in order; nil = nobody listens
	Log         zerolog.Logger
	// May is asked before each lane begins and says why it may not, or "". What has begun goes on to its end, or back. nil: all may.
	May func(objects []schema.Instance) string
	// Reach looks what the controller reaches before a change of what it stands on, and gives what tells afterwards what it reaches no
	// more; the change is taken back then. nil: nobody looks.
	Reach func(ctx context.Context) (lost func(ctx context.Context) error)
	// Abort, when closed, stops everything at once and leaves the plan open. The context's end is the gentle way: the
	// current steps are finished, lanes that are not complete are rolled back.
	Abort <-chan struct{}
	// Now and Sleep are the clock; nil = the machine's.
	Now   func() time.Time
	Sleep func(ctx context.Context, d time.Duration) error
}

func (in Input) withDefaults() Input {
	if in.Parallel <= 0 {
		in.Parallel = 1024
	}
	if in.PerHost <= 0 {
		in.PerHost = 4
	}
	if in.Patience <= 0 {
		in.Patience = 2 * time.Minute
	}
	if in.Progress == nil {
		in.Progress = func(Event) {}
	}
	if in.May == nil {
		in.May = func([]schema.Instance) string { return "" }
	}
	if in.Now == nil {
		in.Now = time.Now
	}
	if in.Sleep == nil {
		in.Sleep = sleep
	}
	return in
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Event is one line of progress.
type Event struct {
	Type     EventType       `json:"type"`
	At       time.Time       `json:"at"`
	Plan     string          `json:"plan"`
	Lane     int             `json:"lane"`
	Step     string          `json:"step,omitempty"`
	Instance schema.Instance `json:"instance,omitzero"`
	Summary  string          `json:"summary,omitempty"`
	Took     time.Duration   `json:"took,omitempty"`
	Err      string          `json:"err,omitempty"`
}

// EventType says what happened.
type EventType string

// The types of events.
const (
	StepStarted EventType = "step_started"
	StepDone    EventType = "step_done"
	StepFailed  EventType = "step_failed"
	UndoStarted EventType = "undo_started"
	StepUndone  EventType = "step_undone"
	StepKept    EventType = "step_kept"
	StepStuck   EventType = "step_stuck"
	LaneStarted EventType = "lane_started"
	LaneFailed  EventType = "lane_failed"
	LaneEnded   EventType = "lane_ended" // Summary is the outcome
)

package run

import (
	"context"
	"errors"
	"sync"
	"time"

	"plumbline/reconcile/exec"
	"plumbline/reconcile/plan"
	"plumbline/schema"
)

// Run begins a plan and drives it to its end. A failed lane is no error: the result tells it. An error means that the
// run itself could not go on; then the plan is still open in the store.
func Run(ctx context.Context, in Input) (Result, error) {
	r, err := newRunner(in.withDefaults(), in.Plan)
	if err != nil {
		return Result{}, err
	}
	if err := r.in.Store.Begin(r.plan, r.begunAt); err != nil {
		return Result{}, err
	}
	return r.drive(ctx)
}

// runner is one plan on its way. The loop of drive owns all of it but what mu guards; a crew's goroutine owns its tasks while it runs.
type runner struct {
	in           Input
	plan         *plan.Plan
	lanes        []*lane
	byID         map[int]*lane
	tasks        []*task
	steps        map[string]*task
	gates        map[string]*gate
	objects      map[schema.Instance]*object
	begunAt      time.Time
	installation string

	queue     *queue
	results   chan finished
	written   chan written
	wake      chan struct{}
	unwritten []entry
	writing   bool // a transaction of the journal is under way
	active    int  // crews at their hosts
	under     int  // crews that have started and not come to their end
	begun     int
	openLanes int
	earlier   int     // lanes that have not ended and purge nothing
	last      []*lane // those that purge, after all others
	round     turns
	spoilt    string // why they may not
	stopped   bool
	resumed   bool
	replan    bool

	mu     sync.Mutex
	looks  map[schema.Instance]seen
	inUse  map[string]exec.Executor
	broken error // why the run cannot go on
	stop   context.CancelFunc
}

var errJournal = errors.New("the journal cannot be written")

// conclude ends the plan in the store.
func (r *runner) conclude() (Result, error) {
	res := r.result()
	e, err := r.ending(res)
	if err != nil {
		return res, err
	}
	if e.Result, err = marshal(res); err != nil {
		return res, err
	}
	if err := r.in.Store.End(r.plan.ID, e); err != nil {
		return res, err
	}
	r.in.Log.Info().Str("plan", r.plan.ID).Str("commit", r.plan.Commit).Str("verdict", string(res.Verdict)).
		Int("residue", len(res.Residue)).Dur("dur", res.EndedAt.Sub(res.BegunAt)).Msg("plan ended")
	return res, nil
}

func (r *runner) kill(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.broken == nil {
		r.broken = err
	}
	if r.stop != nil {
		r.stop()
	}
}

func (r *runner) dead() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.broken
}

func (r *runner) next() int {
	r.begun++
	return r.begun
}

func (r *runner) emit(e Event) {
	e.At, e.Plan = r.in.Now(), r.plan.ID
	r.in.Progress(e)
}

func (r *runner) emitStep(typ EventType, t *task, took time.Duration, err error) {
	text := errText(err)
	if err == nil {
		text = t.residue
	}
	r.emit(Event{Type: typ, Lane: t.Lane, Step: t.ID, Instance: t.Instance, Summary: t.Summary, Took: took, Err: text})
}

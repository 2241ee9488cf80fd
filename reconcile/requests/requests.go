// Package requests keeps the requests of a forge company: each that is open is planned as it would be merged, and told in one comment and
// one status, anew whenever something moved. It takes no lock and applies nothing; what it shows is remembered, so that the controller can hold
// what it is about to apply against it.
//
//	hook, poll → queue → forge: request, comments → orders → merge → plan → comment, status → remembered
//	                                                  history of the controller → status, comment of what came of a commit
package requests

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/rs/zerolog"

	"plumbline/reconcile"
	"plumbline/reconcile/journal"
	"plumbline/reconcile/plan"
	"plumbline/reconcile/preview"
	"plumbline/reconcile/shown"
	"plumbline/schema"
	"plumbline/sources"
	"plumbline/sources/forge"
	"plumbline/sources/forge/hook"
)

// World is what requests are planned against.
type World interface {
	// Refresh takes in what the controller remembers now.
	Refresh(ctx context.Context) error
	// Head is the newest commit of the branch.
	Head(ctx context.Context) (sources.Commit, error)
	// Merge is what the branch at base would be with head, which a ref of the repository leads to; root is the tree of all its files.
	// Errors: sources.ErrConflict, sources.ErrNoCommit.
	Merge(ctx context.Context, ref, base, head string) (of reconcile.Candidate, root string, err error)
	// Standing is the plan of a commit of the branch.
	Standing(ctx context.Context, base string) (*plan.Plan, error)
	PreviewOf(ctx context.Context, base string, of reconcile.Candidate) (preview.Preview, error)
	Validate(ctx context.Context, of reconcile.Candidate) (schema.Problems, error)
	// Status is what the controller is doing; ok = one answers.
	Status(ctx context.Context) (s reconcile.Status, ok bool)
	// History are the newest plans that ran, the newest first.
	History(ctx context.Context, n int) ([]journal.Past, error)
	// Felt is what users felt of a plan that went through, as words, the longest first.
	Felt(ctx context.Context, plan string) ([]string, error)
	// Revert is, in the files of head that declare objects which could not be changed, what takes them back from the commit bad to the commit
	// good: their whole text, by their path. Errors: sources.ErrConflict.
	Revert(ctx context.Context, head, bad, good string, objects []schema.Instance) (map[string][]byte, error)
	// TakeDown has the controller write an order into its audit trail; false = none answers.
	TakeDown(ctx context.Context, o shown.Ordered) (bool, error)
	// Look makes the controller ask the repository at once.
	Look(ctx context.Context)
}

// Options are what a Service is made of.
type Options struct {
	Client   forge.Client
	Account  string // whose token it is; "" = the forge is asked
	World    World
	State    string // directory that what was shown is remembered in
	Branch   string
	Interval time.Duration // between two polls; 0 = 60 s
	Settle   time.Duration // how long a request rests before it is planned; 0 = 2 s
	Rules    string        // digest of version and settings: what was planned by others is stale
	Version  string
	Limit    int  // bytes of a comment
	Revert   bool // what failed is offered to be taken back
	Public   bool // strangers read: neither names nor values are told
	Required bool // what was not shown is not applied
	Log      zerolog.Logger
	Now      func() time.Time
}

// Service does the work of the package.
type Service struct {
	o     Options
	book  *shown.Book
	queue *queue
	look  chan struct{} // the branch was pushed to
	line  chan struct{} // something waits in the merge queue
	live  struct {      // what the branch alone would do
		base, digest string
		at           time.Time
	}
}

// outcomes is how often the controller is asked what came of commits: a call on a local socket.
const outcomes = 3 * time.Second

// New makes a service; it reads what an earlier one remembered.
func New(o Options) (*Service, error) {
	if o.Interval == 0 {
		o.Interval = time.Minute
	}
	if o.Settle == 0 {
		o.Settle = 2 * time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	book, err := shown.Load(o.State)
	if err != nil {
		return nil, err
	}
	if book.Since.IsZero() {
		book.Since = o.Now()
	}
	return &Service{o: o, book: book, queue: newQueue(o.Settle, o.Now), look: make(chan struct{}, 1), line: make(chan struct{}, 1)}, nil
}

// Hint takes in what a webhook tells. It returns at once.
func (s *Service) Hint(h hook.Hint) {
	if h.Number > 0 {
		s.queue.hint(h.Number)
	}
	if h.Branch != "" {
		signal(s.look)
	}
	if h.Queue != "" {
		signal(s.line)
	}
}

func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Run works until the context ends. A forge that cannot be reached is asked again.
func (s *Service) Run(ctx context.Context) error {
	poll, outcome := time.NewTimer(0), time.NewTicker(outcomes)
	defer outcome.Stop()
	rest := time.NewTimer(time.Hour)
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-poll.C:
			s.try("poll the requests", s.poll(ctx))
			s.try("plan the merge queue", s.inLine(ctx))
			poll.Reset(s.o.Interval + rand.N(s.o.Interval/5+1))
		case <-s.line:
			s.try("plan the merge queue", s.inLine(ctx))
		case <-s.look:
			s.o.World.Look(ctx)
			s.all(s.o.Settle)
		case <-outcome.C:
			s.try("tell outcomes", s.tell(ctx))
		case <-s.queue.wake:
		case <-rest.C:
		}
		wait := s.work(ctx)
		rest.Reset(wait)
	}
}

// work considers what is due and tells how long nothing will be.
func (s *Service) work(ctx context.Context) time.Duration {
	for ctx.Err() == nil {
		number, wait, ok := s.queue.next()
		switch {
		case ok:
			s.try(fmt.Sprintf("preview request %d", number), s.consider(ctx, number))
			s.try("remember", s.book.Save(s.o.State))
		case wait == 0:
			return time.Hour
		default:
			return wait
		}
	}
	return time.Hour
}

func (s *Service) try(what string, err error) {
	if err != nil && !errors.Is(err, context.Canceled) {
		s.o.Log.Warn().Err(err).Msg("cannot " + what)
	}
}

// poll finds requests that are open, and those that are so no longer.
func (s *Service) poll(ctx context.Context) error {
	if err := s.known(ctx); err != nil {
		return err
	}
	open, err := s.o.Client.Pulls(ctx, s.o.Branch)
	if err != nil {
		return err
	}
	for _, p := range open {
		s.queue.add(p.Number, 0)
	}
	s.all(0)
	return nil
}

// all lets everything that is known have its turn.
func (s *Service) all(after time.Duration) {
	const month = 30 * 24 * time.Hour
	s.book.Requests = slices.DeleteFunc(s.book.Requests, func(r *shown.Request) bool { return r.Merged != "" && s.o.Now().Sub(r.At) > month })
	for _, r := range s.book.Requests {
		if r.Merged == "" || r.Offered != "" && r.Agreed == nil {
			s.queue.add(r.Number, after)
		}
	}
}

// known asks once whose token it is.
func (s *Service) known(ctx context.Context) (err error) {
	if s.o.Account == "" {
		s.o.Account, err = s.o.Client.Account(ctx)
	}
	return err
}

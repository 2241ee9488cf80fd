package reconcile_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"

	"plumbline/reconcile"
	"plumbline/schema"
)

// endless evaluates what says so until it is told to stop.
type endless struct {
	schema.Evaluator
	begun atomic.Int32
}

func (e *endless) Evaluate(ctx context.Context, src schema.Source) (schema.Evaluation, error) {
	for _, data := range src.Files {
		if strings.Contains(string(data), "endless") {
			e.begun.Add(1)
			<-ctx.Done()
			return schema.Evaluation{}, ctx.Err()
		}
	}
	return e.Evaluator.Evaluate(ctx, src)
}

// Each package may take its time, and a commit has thousands: it keeps nobody from what is pushed afterwards.
func TestACommitThatIsLoadedForHoursIsGivenUpForTheNextOne(t *testing.T) {
	s := newScene(t)
	slow := &endless{Evaluator: schema.InProcess()}
	s.wireWith(func(o *reconcile.Options) { o.Evaluator = slow })
	s.run()
	first := s.repo.push("a", ground+declare("p", "h1", "/one"))
	s.applied(first)
	s.repo.push("b", ground+declare("p", "h1", "/endless"))
	s.until("it is loaded", func() bool { return slow.begun.Load() > 0 && s.Status().Phase == reconcile.Loading })
	if s.Status().Applied != first {
		t.Errorf("status %+v", s.Status())
	}
	s.applied(s.repo.push("c", ground+declare("p", "h1", "/three")))
	if status := s.Status(); status.Error != "" {
		t.Errorf("it is told as a mistake: %+v", status)
	}
}

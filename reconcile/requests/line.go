package requests

import (
	"context"
	"slices"

	"plumbline/reconcile/plan"
	"plumbline/reconcile/shown"
	"plumbline/sources/forge"
)

// inLine plans each commit of the merge queue once and sets the statuses that the queue waits for on it: a queue builds what the branch would be next,
// so nothing is merged here, and there is no request to comment on. Who let it into the queue may push.
func (s *Service) inLine(ctx context.Context) error {
	queued, err := s.o.Client.Queued(ctx, s.o.Branch)
	if err != nil || len(queued)+len(s.book.Queue) == 0 {
		return err
	}
	s.book.Queue = slices.DeleteFunc(s.book.Queue, func(r *shown.Request) bool {
		return !slices.ContainsFunc(queued, func(q forge.Queued) bool { return q.Head == r.Head })
	})
	if err := s.o.World.Refresh(ctx); err != nil {
		return err
	}
	base, err := s.o.World.Head(ctx)
	if err != nil {
		return err
	}
	for _, q := range queued {
		s.try("plan "+plan.ShortCommit(q.Head)+" of the merge queue", s.next(ctx, q, base.ID))
	}
	return s.book.Save(s.o.State)
}

// next plans one commit of the queue. What we could not plan stays pending and is tried again: the queue has a patience of its own.
func (s *Service) next(ctx context.Context, q forge.Queued, base string) error {
	i := slices.IndexFunc(s.book.Queue, func(r *shown.Request) bool { return r.Head == q.Head })
	if i < 0 {
		s.book.Queue = append(s.book.Queue, &shown.Request{Head: q.Head, Failed: true, At: s.o.Now()})
		i = len(s.book.Queue) - 1
	}
	t := &turn{Service: s, r: s.book.Queue[i], pull: forge.Pull{Head: q.Head, Branch: s.o.Branch, Open: true}, base: base}
	if !t.r.Failed {
		return nil
	}
	if err := t.status(ctx, forge.Pending, "planning"); err != nil {
		return err
	}
	of, _, err := s.o.World.Merge(ctx, q.Ref, q.Head, q.Head)
	if err != nil {
		return err
	}
	of.Stranger = true // it may hold what a fork brought
	a := t.judged(ctx, of)
	if a.next.Failed || ctx.Err() != nil {
		return ctx.Err()
	}
	if err := t.status(ctx, a.state, a.line); err != nil {
		return err
	}
	if err := t.policy(ctx, a); err != nil {
		return err
	}
	t.r.Failed = false
	s.o.Log.Info().Str("commit", q.Head).Str("verdict", a.line).Msg("planned a commit of the merge queue")
	return nil
}

package git

import (
	"context"
	"errors"
	"fmt"

	gogit "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"

	"plumbline/sources"
)

// Fetch brings a commit here that another ref than the watched branch leads to, such as that of a request. Errors: sources.ErrNoCommit when
// that ref does not lead to it (any more), sources.ErrUnreachable.
func (s *Source) Fetch(ctx context.Context, ref, id string) error {
	if s.holds(id) {
		return nil
	}
	if s.remote != nil {
		if err := s.remote.bring(ctx, plumbing.ReferenceName(ref)); err != nil {
			return fmt.Errorf("cannot fetch %s: %w", ref, err)
		}
	}
	if !s.holds(id) {
		return fmt.Errorf("cannot fetch %s: %w: it does not lead to %.10s", ref, sources.ErrNoCommit, id)
	}
	return nil
}

func (s *Source) holds(id string) bool {
	st, err := s.open()
	if err != nil {
		return false
	}
	_, err = st.named(id)
	return err == nil
}

// bring fetches a ref into a name of its own in the mirror.
func (r *remote) bring(ctx context.Context, ref plumbing.ReferenceName) error {
	if err := ref.Validate(); err != nil {
		return err
	}
	return r.converse(ctx, func(ctx context.Context) error {
		unlock, err := lock(ctx, r.mirror+".lock")
		if err != nil {
			return r.unreachable(err)
		}
		defer unlock()
		repo, err := r.openMirror()
		if err != nil {
			return r.unreachable(fmt.Errorf("cannot open mirror: %w", err))
		}
		err = r.receive(ctx, repo.Storer, ref, plumbing.ReferenceName("refs/plumbline/other/"+ref))
		var none gogit.NoMatchingRefSpecError
		switch {
		case errors.As(err, &none):
			return fmt.Errorf("%w: the repository has no such ref", sources.ErrNoCommit)
		case errors.Is(err, sources.ErrLimit):
			return fmt.Errorf("repository %s: %w", r.config.URL, err)
		case err != nil:
			return r.unreachable(err)
		}
		return nil
	})
}

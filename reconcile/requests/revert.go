package requests

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"plumbline/reconcile/journal"
	"plumbline/reconcile/plan"
	"plumbline/reconcile/preview"
	"plumbline/reconcile/run"
	"plumbline/reconcile/shown"
	"plumbline/sources"
	"plumbline/sources/forge"
)

// mostReverts is how many requests of ours are remembered: what is older was seen to long ago.
const mostReverts = 100

// offerReverts opens a request for each effect that failed in a plan, and says in a sentence what came of it. An effect that fails again, in a later
// plan, has its request.
func (s *Service) offerReverts(ctx context.Context, p journal.Past, result run.Result, past []journal.Past) (said string, err error) {
	if _, mended := mendedBy(past, *p.EndedAt); mended || !s.o.Revert || p.Plan.Base == "" { // nothing was ever applied that could be gone back to
		return "", nil
	}
	var made []offer
	for _, l := range result.Lanes {
		if l.Effect == "" || l.Outcome != run.LaneRolledBack || l.Cause != run.CauseError {
			continue
		}
		if s.revertOf(l.Effect) == nil {
			if made, err = s.offerRevert(ctx, p, l, made); err != nil {
				return "", err
			}
		}
		if r := s.revertOf(l.Effect); r.Number > 0 {
			said += fmt.Sprintf("\n\nRequest %d offers to take it back.", r.Number)
		} else {
			said += "\n\nNo request could be made that takes it back: what it changed was changed again since."
		}
	}
	return said, nil
}

// offer is a request and its files, so that two effects of the same files get one.
type offer struct {
	files map[string][]byte
	*shown.Revert
}

func (s *Service) offerRevert(ctx context.Context, p journal.Past, l run.LaneResult, made []offer) ([]offer, error) {
	if err := s.o.World.Refresh(ctx); err != nil {
		return made, err
	}
	head, err := s.o.World.Head(ctx)
	if err != nil {
		return made, err
	}
	files, err := s.o.World.Revert(ctx, head.ID, p.Plan.Commit, p.Plan.Base, l.Objects)
	if errors.Is(err, sources.ErrConflict) {
		files, err = nil, nil
	}
	if err != nil {
		return made, err
	}
	r := &shown.Revert{Effect: l.Effect, Commit: p.Plan.Commit, At: *p.EndedAt}
	i := slices.IndexFunc(made, func(o offer) bool { return maps.EqualFunc(o.files, files, bytes.Equal) })
	switch {
	case len(files) == 0: // a conflict, or it was taken back already
		r.Closed = true
	case i >= 0:
		r.Number, r.Head = made[i].Number, made[i].Head
	default:
		if err := s.propose(ctx, r, head.ID, files, l); err != nil {
			return made, err
		}
	}
	s.book.Reverts = append(s.book.Reverts, r)
	s.book.Reverts = s.book.Reverts[max(0, len(s.book.Reverts)-mostReverts):]
	return append(made, offer{files, r}), s.book.Save(s.o.State)
}

// propose opens the request of an effect. Its branch is named by the effect, so that a forge that answered nobody, or a lost state directory, makes no second one.
func (s *Service) propose(ctx context.Context, r *shown.Revert, from string, files map[string][]byte, l run.LaneResult) error {
	text := ""
	if !s.o.Public {
		text = strings.Join(append([]string{l.Err, ""}, slices.Sorted(maps.Keys(files))...), "\n")
	}
	made, err := s.o.Client.Propose(ctx, forge.Proposal{
		Base: s.o.Branch, From: from, Branch: fmt.Sprintf("plumb/revert-%.12s", strings.TrimPrefix(r.Effect, "sha256:")),
		Title: "Take back what failed of " + plan.ShortCommit(r.Commit), Body: preview.Revert(r.Commit, r.Effect, text), Files: files,
	})
	if err != nil {
		return err
	}
	r.Number = made.Number
	pull, err := s.o.Client.Pull(ctx, made.Number)
	r.Head = pull.Head
	s.o.Log.Info().Int64("request", made.Number).Str("commit", r.Commit).Msg("offered to take a failed commit back")
	return err
}

func (s *Service) revertOf(effect string) *shown.Revert {
	i := slices.IndexFunc(s.book.Reverts, func(r *shown.Revert) bool { return r.Effect == effect })
	if i < 0 {
		return nil
	}
	return s.book.Reverts[i]
}

// closeReverts closes our requests that a later commit made needless: one went through as a whole, so that nothing parked stands in the branch any more.
func (s *Service) closeReverts(ctx context.Context, past []journal.Past) error {
	for _, r := range s.book.Reverts {
		by, mended := mendedBy(past, r.At)
		if r.Closed || !mended {
			continue
		}
		if err := s.closeRevert(ctx, r, by); err != nil {
			return err
		}
		r.Closed = true
		if err := s.book.Save(s.o.State); err != nil {
			return err
		}
	}
	return nil
}

// mendedBy is the first commit that went through as a whole after an instant.
func mendedBy(past []journal.Past, after time.Time) (commit string, mended bool) {
	i := slices.IndexFunc(past, func(p journal.Past) bool {
		return p.BegunAt.After(after) && p.EndedAt != nil && p.Verdict == string(run.Applied)
	})
	if i < 0 {
		return "", false
	}
	return past[i].Plan.Commit, true
}

// closeRevert leaves a request alone that somebody closed, merged or went on with.
func (s *Service) closeRevert(ctx context.Context, r *shown.Revert, mended string) error {
	pull, err := s.o.Client.Pull(ctx, r.Number)
	if err != nil || !pull.Open {
		return err
	}
	text := preview.Outcome(mended, "not needed any more", "commit "+plan.ShortCommit(mended)+" was applied in full", "")
	if _, err := forge.Upsert(ctx, s.o.Client, r.Number, s.o.Account, preview.OutcomeMarker, text); err != nil || pull.Head != r.Head {
		return err
	}
	return s.o.Client.Close(ctx, r.Number)
}

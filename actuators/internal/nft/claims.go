package nft

import (
	"context"
	"errors"
	"slices"
)

// Capture reads what the claim's object has, and refuses when somebody else stands where it wants to be.
func (c Claim) Capture(ctx context.Context) (Before, error) {
	before, errs := CaptureAll(ctx, []Claim{c})
	return before[0], errs[0]
}

// CaptureAll is Capture of many, in one look.
func CaptureAll(ctx context.Context, all []Claim) ([]Before, []error) {
	before, errs := make([]Before, len(all)), make([]error, len(all))
	err := kept.view(ctx, func(s *Services) {
		for n, c := range all {
			before[n].Elements = c.standing(s)
			_, _, errs[n] = c.delta(s)
		}
	})
	for n := range errs {
		errs[n] = errors.Join(err, errs[n])
	}
	return before, errs
}

// Do makes the object have what it claims, in one batch.
func (c Claim) Do(ctx context.Context) error { return DoAll(ctx, []Claim{c})[0] }

// DoAll is Do of many in one batch. One that cannot go with the others goes alone.
func DoAll(ctx context.Context, all []Claim) []error {
	return together(ctx, len(all), func(s *Services, n int) turnover {
		gone, added, err := all[n].delta(s)
		return turnover{gone, added, err}
	})
}

// Undo puts back what was before, element by element, in one batch: those that are as Do wrote them. One that is already
// as before stays; one that somebody else wrote stays too and makes the undo stuck.
func (c Claim) Undo(ctx context.Context, before Before) error {
	return UndoAll(ctx, []Claim{c}, []Before{before})[0]
}

// UndoAll is Undo of many in one batch. One that cannot go with the others goes alone.
func UndoAll(ctx context.Context, all []Claim, before []Before) []error {
	return together(ctx, len(all), func(s *Services, n int) turnover {
		gone, added, stuck := all[n].reverse(s, before[n])
		return turnover{gone, added, stuck}
	})
}

// turnover is what one of many takes away and adds, and what of it cannot be.
type turnover struct {
	gone, added []Element
	err         error
}

// together commits the turnovers of n objects: in one batch those that touch different elements, the others after it. When
// the kernel refuses a batch, its halves are tried, so that only the culprit fails.
func together(ctx context.Context, n int, of func(s *Services, n int) turnover) []error {
	errs := make([]error, n)
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	var commit func(at []int)
	commit = func(at []int) {
		for len(at) > 0 {
			now, later, err := commitSome(ctx, at, of, errs)
			switch {
			case err == nil:
			case len(now) > 1 && ctx.Err() == nil:
				half := len(now) / 2
				commit(now[:half])
				commit(now[half:])
			default:
				for _, i := range now {
					errs[i] = errors.Join(err, errs[i])
				}
			}
			at = later
		}
	}
	commit(all)
	return errs
}

// commitSome commits those of some objects that do not meet in one place, and tells which wait for the next batch.
func commitSome(ctx context.Context, at []int, of func(s *Services, n int) turnover, errs []error) (now, later []int, err error) {
	now = at
	err = kept.change(ctx, func(tx *Tx, s *Services) error {
		now, later = nil, nil
		var gone, added []Element
		taken := map[place]bool{}
		for _, i := range at {
			t := of(s, i)
			if len(at) > 1 && !take(taken, t) {
				later = append(later, i)
				continue
			}
			now, errs[i] = append(now, i), t.err
			gone, added = append(gone, t.gone...), append(added, t.added...)
		}
		if !slices.ContainsFunc(now, func(i int) bool { return errs[i] == nil }) && len(gone)+len(added) == 0 {
			return nil
		}
		return tx.apply(s, gone, added)
	})
	return now, later, err
}

// take notes the places that a turnover touches, unless one of them is taken.
func take(taken map[place]bool, t turnover) bool {
	touched := places(t.gone, t.added)
	if slices.ContainsFunc(touched, func(p place) bool { return taken[p] }) {
		return false
	}
	for _, p := range touched {
		taken[p] = true
	}
	return true
}

package requests

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"plumbline/reconcile/journal"
	"plumbline/reconcile/plan"
	"plumbline/reconcile/preview"
	"plumbline/reconcile/run"
	"plumbline/reconcile/shown"
	"plumbline/sources/forge"
)

// applyContext is the name of the status beside a commit of the branch.
const applyContext = "plumb/apply"

// newest is how many plans of the controller are asked for: more do not end between two looks.
const newest = 20

// tell tells what came of commits, on the commit and on the request that it was; and what is held because nobody was shown it.
func (s *Service) tell(ctx context.Context) error {
	if err := s.known(ctx); err != nil {
		return err
	}
	s.try("have orders taken down", s.takeDown(ctx))
	past, err := s.o.World.History(ctx, newest)
	if err != nil {
		return err
	}
	slices.Reverse(past)
	for _, p := range past {
		if p.BegunAt.Before(s.book.Since) || p.EndedAt == nil {
			continue
		}
		if err := s.tellPlan(ctx, p, past); err != nil {
			return err
		}
	}
	if err := s.closeReverts(ctx, past); err != nil {
		return err
	}
	return s.tellHeld(ctx)
}

// tellPlan tells of one plan that ended, once.
func (s *Service) tellPlan(ctx context.Context, p journal.Past, past []journal.Past) error {
	commit := p.Plan.Commit
	key := p.Plan.ID
	if len(commit) != 40 || s.book.Told[key] != "" {
		return nil
	}
	var result run.Result
	if err := json.Unmarshal(p.Result, &result); err != nil {
		result = run.Result{Verdict: run.Verdict(p.Verdict)}
	}
	state, line := forge.Failure, fmt.Sprintf("%s: %s", result.Verdict, p.Summary)
	if result.Verdict == run.Applied {
		state, line = forge.Success, fmt.Sprintf("applied in %s: %s%s", p.EndedAt.Sub(p.BegunAt).Round(100*time.Millisecond), p.Summary, s.felt(ctx, key))
	}
	if err := s.o.Client.Report(ctx, commit, forge.Status{Context: applyContext, State: state, Description: line}); err != nil {
		return err
	}
	reverts, err := s.offerReverts(ctx, p, result, past)
	if err == nil {
		err = s.tellRequest(ctx, commit, result, line, reverts)
	}
	if err != nil {
		return err
	}
	s.book.Told[key] = string(result.Verdict)
	s.trim()
	return s.book.Save(s.o.State)
}

// felt is what users felt of a plan, behind its summary: the longest, as nobody reads more there. A controller that does not know it keeps nobody from telling.
func (s *Service) felt(ctx context.Context, id string) string {
	words, err := s.o.World.Felt(ctx, id)
	s.try("ask what users felt", err)
	if len(words) == 0 || s.o.Public {
		return ""
	}
	return "; " + words[0]
}

// mostTold is how many plans are remembered as told; IDs of plans sort by time.
const mostTold = 1000

func (s *Service) trim() {
	if len(s.book.Told) <= mostTold {
		return
	}
	var ids []string
	for id := range s.book.Told {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids[:len(ids)-mostTold/2] {
		delete(s.book.Told, id)
	}
}

// tellRequest writes a failure under the request that brought it, and takes it back there when it went through later.
func (s *Service) tellRequest(ctx context.Context, commit string, result run.Result, line, reverts string) error {
	r := s.requestOf(commit)
	if r == nil {
		return nil
	}
	if result.Verdict == run.Applied {
		comments, err := s.o.Client.Comments(ctx, r.Number)
		if err != nil || !slices.ContainsFunc(comments, func(c forge.Comment) bool {
			return c.Author == s.o.Account && strings.HasPrefix(c.Body, preview.OutcomeMarker)
		}) {
			return err
		}
		return s.outcome(ctx, r, preview.Outcome(commit, "applied", line, ""))
	}
	text := ""
	if !s.o.Public {
		text = failures(result)
	}
	return s.outcome(ctx, r, preview.Outcome(commit, string(result.Verdict), text, wayOut(commit)+reverts))
}

func (s *Service) outcome(ctx context.Context, r *shown.Request, body string) error {
	_, err := forge.Upsert(ctx, s.o.Client, r.Number, s.o.Account, preview.OutcomeMarker, body)
	return err
}

func (s *Service) requestOf(commit string) *shown.Request {
	i := slices.IndexFunc(s.book.Requests, func(r *shown.Request) bool { return r.Merged == commit || r.Head == commit })
	if i < 0 {
		return nil
	}
	return s.book.Requests[i]
}

// failures are the lanes that did not go through, and what they left.
func failures(r run.Result) string {
	var lines []string
	for _, l := range r.Lanes {
		if l.Outcome != run.LaneApplied {
			lines = append(lines, fmt.Sprintf("lane %d (%s): %s: %s", l.Lane, strings.Join(first(l.Objects, 3), ", "), l.Outcome, l.Err))
		}
	}
	for _, left := range r.Residue {
		lines = append(lines, fmt.Sprintf("left: %s: %s: %s", left.Step, left.State, left.Text))
	}
	return strings.Join(lines, "\n")
}

func first[T fmt.Stringer](all []T, n int) (names []string) {
	for i, one := range all {
		if i == n {
			return append(names, "…")
		}
		names = append(names, one.String())
	}
	return names
}

// wayOut is what people can do about what failed. Nothing is pushed from here: a source is only read.
func wayOut(commit string) string {
	short := plan.ShortCommit(commit)
	return fmt.Sprintf("What failed is parked: it is not tried again until it changes, or until `plumb resume`. The rest goes on. To take the commit back:\n\n"+
		"```sh\ngit switch -c plumb/revert-%[1]s origin/HEAD\ngit revert --no-edit %[1]s   # of a merge: git revert --no-edit -m 1 %[1]s\ngit push -u origin plumb/revert-%[1]s\n```", short)
}

// tellHeld shows what the controller does not apply because nobody was shown it: what it would do now, for somebody to agree to.
func (s *Service) tellHeld(ctx context.Context) error {
	now, ok := s.o.World.Status(ctx)
	if !ok || now.Unseen == "" {
		return nil
	}
	r := s.requestOf(now.Head)
	if r == nil || r.Offered == now.Unseen {
		return nil
	}
	t := &turn{Service: s, r: r}
	if err := s.o.World.Refresh(ctx); err != nil {
		return err
	}
	of, _, err := s.o.World.Merge(ctx, s.o.Client.Ref(r.Number), now.Head, now.Head)
	if err != nil {
		return err
	}
	p, err := s.o.World.PreviewOf(ctx, cmp.Or(now.Applied, now.Head), of)
	if err != nil || p.Plan == nil {
		return err
	}
	p.Base, p.Head, p.Version = now.Applied, now.Head, s.o.Version
	body := preview.Banner(t.comment(p), "**held**: it was merged, and would now do something else than was shown. "+
		"The answer `plumb approve` of somebody who may push lets this be applied.")
	if _, err := forge.Upsert(ctx, s.o.Client, r.Number, s.o.Account, preview.Marker, body); err != nil {
		return err
	}
	if err := s.o.Client.Report(ctx, now.Head, forge.Status{Context: applyContext, State: forge.Pending, Description: "held: it would do something else than was shown"}); err != nil {
		return err
	}
	r.Offered = p.Plan.EffectDigest
	return s.book.Save(s.o.State)
}

package requests

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"plumbline/reconcile"
	"plumbline/reconcile/plan"
	"plumbline/reconcile/preview"
	"plumbline/reconcile/shown"
	"plumbline/schema"
	"plumbline/sources"
	"plumbline/sources/forge"
)

// The names of the statuses beside a request's commit: what it would do, and what the rules say.
const (
	statusContext = "plumb/plan"
	policyContext = "plumb/policy"
)

// turn is one look at one request.
type turn struct {
	*Service
	r     *shown.Request
	pull  forge.Pull
	base  string // commit of the branch
	force bool   // somebody ordered a plan
}

// consider looks at a request and tells of it what is not told yet.
func (s *Service) consider(ctx context.Context, number int64) error {
	if err := s.known(ctx); err != nil {
		return err
	}
	pull, err := s.o.Client.Pull(ctx, number)
	if err != nil {
		return err
	}
	if pull.Branch != s.o.Branch {
		return nil
	}
	t := &turn{Service: s, r: s.book.Request(number), pull: pull}
	if !pull.Open {
		return t.closed(ctx)
	}
	if err := t.orders(ctx); err != nil {
		return err
	}
	if err := s.o.World.Refresh(ctx); err != nil {
		return err
	}
	head, err := s.o.World.Head(ctx)
	if err != nil {
		return err
	}
	t.base = head.ID
	why, err := t.stale(ctx)
	if err != nil || why == "" {
		return err
	}
	if err := t.announce(ctx, why); err != nil {
		return err
	}
	return t.show(ctx)
}

// closed takes in what became of a request.
func (t *turn) closed(ctx context.Context) error {
	if t.pull.Merged == "" {
		t.forget(t.r.Number)
		return nil
	}
	if t.r.Merged != t.pull.Merged {
		t.r.Merged, t.r.At = t.pull.Merged, t.o.Now()
		if err := t.book.Save(t.o.State); err != nil { // before the controller looks
			return err
		}
		t.o.World.Look(ctx)
	}
	if t.r.Offered == "" {
		return nil
	}
	return t.orders(ctx)
}

// stranger tells whether the request is a stranger's that nobody let us plan.
func (t *turn) stranger() bool { return t.pull.Fork && t.r.Allowed != t.pull.Head }

// stale tells why what stands there is not what would be told now; "" = it is.
func (t *turn) stale(ctx context.Context) (string, error) {
	r := t.r
	switch {
	case t.force:
		return "somebody asked for it", nil
	case r.Head != t.pull.Head:
		return "it is new", nil
	case r.Retired != "":
		return "", nil
	case r.Failed:
		return "it could not be planned", nil
	case r.Base != t.base:
		return fmt.Sprintf("%s moved to %s", t.o.Branch, plan.ShortCommit(t.base)), nil
	case r.Rules != t.o.Rules:
		return "plumb or its settings changed", nil
	case r.Live == "": // nothing live stands in it
		return "", nil
	}
	live, err := t.standing(ctx, t.base)
	if err != nil || live == r.Live {
		return "", err
	}
	return "the live state moved", nil
}

// standing is the digest of the live state under the branch, looked at once for all requests of a poll.
func (s *Service) standing(ctx context.Context, base string) (string, error) {
	if s.live.base == base && s.o.Now().Sub(s.live.at) < s.o.Interval/2 {
		return s.live.digest, nil
	}
	p, err := s.o.World.Standing(ctx, base)
	if err != nil {
		return "", err
	}
	s.live.base, s.live.digest, s.live.at = base, preview.Live(p), s.o.Now()
	return s.live.digest, nil
}

// announce says that what stands there counts no more, before it is planned anew.
func (t *turn) announce(ctx context.Context, why string) error {
	if t.r.Head != t.pull.Head || t.r.Failed {
		return t.status(ctx, forge.Pending, "planning")
	}
	if err := t.status(ctx, forge.Pending, "stale: "+why); err != nil {
		return err
	}
	return t.banner(ctx, "**stale**: %s; it is planned anew.", why)
}

// banner puts a sentence into the comment that stands there.
func (t *turn) banner(ctx context.Context, sentence string, values ...string) error {
	all, err := t.o.Client.Comments(ctx, t.r.Number)
	if err != nil {
		return err
	}
	for _, c := range all {
		if c.Author == t.o.Account && strings.HasPrefix(c.Body, preview.Marker) {
			return t.o.Client.Write(ctx, t.r.Number, c.ID, preview.Banner(c.Body, sentence, values...))
		}
	}
	return nil
}

// answer is what is told of a request.
type answer struct {
	body  string
	state forge.State
	line  string // for the status
	next  shown.Request
	rules forge.State // "" = they were not asked
	rule  string
}

// show plans a request and posts what came of it, unless it was pushed to meanwhile.
func (t *turn) show(ctx context.Context) error {
	a := t.plan(ctx)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	now, err := t.o.Client.Pull(ctx, t.r.Number)
	if err != nil {
		return err
	}
	if now.Head != t.pull.Head || !now.Open {
		t.queue.hint(t.r.Number)
		return nil
	}
	if _, err := forge.Upsert(ctx, t.o.Client, t.r.Number, t.o.Account, preview.Marker, a.body); err != nil {
		return err
	}
	if err := t.status(ctx, a.state, a.line); err != nil {
		return err
	}
	if err := t.policy(ctx, a); err != nil {
		return err
	}
	a.next.Number, a.next.Head, a.next.Base, a.next.Rules, a.next.At = t.r.Number, t.pull.Head, t.base, t.o.Rules, t.o.Now()
	a.next.Allowed, a.next.Read, a.next.Status, a.next.Policy = t.r.Allowed, t.r.Read, t.r.Status, t.r.Policy
	*t.r = a.next
	t.o.Log.Info().Int64("request", t.r.Number).Str("commit", t.r.Head).Str("verdict", a.line).Msg("previewed a request")
	return nil
}

// plan is what is to be told of a request. Every failure is something to tell.
func (t *turn) plan(ctx context.Context) answer {
	of, root, err := t.o.World.Merge(ctx, t.o.Client.Ref(t.r.Number), t.base, t.pull.Head)
	switch {
	case errors.Is(err, sources.ErrConflict):
		return t.without(forge.Failure, "conflict", "it cannot be merged as it is", err.Error())
	case err != nil:
		return t.failed(err)
	}
	if of.Stranger = t.pull.Fork; t.stranger() {
		return t.validated(ctx, of)
	}
	a := t.judged(ctx, of)
	a.next.Root = root
	return a
}

// judged is what is to be told of a candidate.
func (t *turn) judged(ctx context.Context, of reconcile.Candidate) answer {
	p, err := t.o.World.PreviewOf(ctx, t.base, of)
	var problems schema.Problems
	switch {
	case errors.As(err, &problems):
		p = preview.Preview{Problems: problems}
	case errors.Is(err, reconcile.ErrEmpty):
		return t.without(forge.Failure, "refused", "it declares nothing at all", err.Error())
	case err != nil:
		return t.failed(err)
	}
	p.Base, p.Head, p.Version = t.base, t.pull.Head, t.o.Version
	a := answer{body: t.comment(p), line: p.Summary(), state: stateOf(p.Verdict())}
	ruling, rule := p.Ruling()
	a.rules, a.rule = ruled[ruling], rule
	if t.o.Public {
		a.rule = ""
	}
	a.next.Live = p.Live
	if p.Plan != nil {
		a.next.Effect = p.Plan.EffectDigest
	}
	return a
}

// ruled are the states of rulings.
var ruled = map[preview.Ruling]forge.State{preview.Allowed: forge.Success, preview.Lacking: forge.Pending, preview.Denied: forge.Failure, preview.Unjudged: forge.Pending}

func stateOf(v preview.Verdict) forge.State {
	switch v {
	case preview.Invalid, preview.Refused:
		return forge.Failure
	case preview.Unknown:
		return forge.Error
	}
	return forge.Success
}

func (t *turn) comment(p preview.Preview) string {
	if t.o.Public {
		return p.Brief() + preview.Orders
	}
	if t.o.Limit <= 0 {
		return p.Markdown(0) + preview.Orders
	}
	return p.Markdown(t.o.Limit-len(preview.Orders)) + preview.Orders
}

// validated is what is told of a stranger's commit: its mistakes, and nothing that is live.
func (t *turn) validated(ctx context.Context, of reconcile.Candidate) answer {
	problems, err := t.o.World.Validate(ctx, of)
	switch {
	case errors.Is(err, reconcile.ErrEmpty):
		return t.without(forge.Failure, "refused", "it declares nothing at all", err.Error())
	case err != nil:
		return t.failed(err)
	case len(problems) > 0:
		p := preview.Preview{Base: t.base, Head: t.pull.Head, Problems: problems, Version: t.o.Version}
		return answer{body: t.comment(p), state: forge.Failure, line: p.Summary()}
	}
	text := "Somebody who may push lets this commit be planned by the answer\n\nplumb plan " + t.pull.Head
	return t.without(forge.Pending, "valid, not planned: it comes from a fork", "valid; a fork's commit is planned when a maintainer allows it", text)
}

// failed is what is told when we, or the world, are at fault. It is tried again.
func (t *turn) failed(err error) answer {
	t.o.Log.Warn().Err(err).Int64("request", t.r.Number).Msg("cannot plan a request")
	text := err.Error()
	if t.o.Public {
		text = ""
	}
	a := t.without(forge.Error, "not planned, and tried again", "it could not be planned; it is tried again", text)
	a.next.Failed = true
	return a
}

func (t *turn) without(state forge.State, headline, line, text string) answer {
	return answer{body: preview.Told(t.pull.Head, t.base, headline, text) + preview.Orders, state: state, line: line}
}

// status sets the status of the request's commit unless it stands already.
func (t *turn) status(ctx context.Context, state forge.State, text string) error {
	line := fmt.Sprintf("%s %s %s", t.pull.Head, state, text)
	if t.r.Status == line {
		return nil
	}
	if err := t.o.Client.Report(ctx, t.pull.Head, forge.Status{Context: statusContext, State: state, Description: text}); err != nil {
		return err
	}
	t.r.Status = line
	return nil
}

// policy sets the status of what the rules say, unless it stands already.
func (t *turn) policy(ctx context.Context, a answer) error {
	line := fmt.Sprintf("%s %s %s", t.pull.Head, a.rules, a.rule)
	if a.rules == "" || t.r.Policy == line {
		return nil
	}
	if err := t.o.Client.Report(ctx, t.pull.Head, forge.Status{Context: policyContext, State: a.rules, Description: a.rule}); err != nil {
		return err
	}
	t.r.Policy = line
	return nil
}

func (s *Service) forget(number int64) {
	for i, r := range s.book.Requests {
		if r.Number == number {
			s.book.Requests = append(s.book.Requests[:i], s.book.Requests[i+1:]...)
			return
		}
	}
}

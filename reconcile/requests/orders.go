package requests

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"plumbline/reconcile/plan"
	"plumbline/reconcile/preview"
	"plumbline/reconcile/shown"
	"plumbline/sources/forge"
)

// order is a line that asks something of us.
var order = regexp.MustCompile(`^[ \t]*plumb (plan|approve|discard|help)(?: ([0-9a-f]{7,40}))?[ \t]*\r?$`)

// orders carries out what comments ask for that came since the last look. What stood there when a request was seen first is history. A merged
// request hears "plumb approve" alone.
func (t *turn) orders(ctx context.Context) error {
	first := t.r.Status == "" && t.r.Head == ""
	comments, err := t.o.Client.Comments(ctx, t.r.Number)
	if err != nil {
		return err
	}
	for _, c := range comments {
		if c.ID <= t.r.Read {
			continue
		}
		if !first && c.Author != t.o.Account {
			if err := t.hear(ctx, c); err != nil {
				return err // and hear it again
			}
		}
		t.r.Read = c.ID
	}
	return nil
}

// hear carries out one comment. Who may is what the forge says now.
func (t *turn) hear(ctx context.Context, c forge.Comment) error {
	may, asked := false, false
	n := 0
	for line := range strings.Lines(c.Body) {
		words := order.FindStringSubmatch(strings.TrimRight(line, "\n"))
		if words == nil {
			continue
		}
		if !asked {
			var err error
			if may, err = t.o.Client.MayWrite(ctx, c.Author); err != nil {
				return err
			}
			asked = true
		}
		done := false
		if n++; may {
			var err error
			if done, err = t.ordered(ctx, c, n, words[1], words[2]); err != nil {
				return err
			}
		}
		sign := forge.No
		if done {
			sign = forge.Yes
		}
		t.o.Log.Info().Int64("request", t.r.Number).Str("by", c.Author).Str("order", words[1]).Bool("done", done).Msg("an order in a comment")
		t.try("answer a comment", t.o.Client.React(ctx, t.r.Number, c.ID, sign))
	}
	return nil
}

// ordered carries out one order, which is remembered for the audit trail before: of who may not push nothing is, for strangers may write a lot.
func (t *turn) ordered(ctx context.Context, c forge.Comment, line int, what, commit string) (done bool, err error) {
	o := shown.Ordered{
		Key: fmt.Sprintf("request-%d-comment-%d-%d", t.r.Number, c.ID, line), Request: t.r.Number, By: c.Author, What: what, Commit: t.pull.Head, At: t.o.Now(),
	}
	if what == "approve" {
		o.Effect = t.effect()
	}
	if what != "help" {
		if err := t.remember(o); err != nil {
			return false, err
		}
	}
	done, err = t.obey(ctx, c.Author, what, commit)
	if err == nil && !done && what != "help" {
		o.Key, o.Result = o.Key+"-refused", "refused"
		err = t.remember(o)
	}
	return done, err
}

// mostOrdered is how many orders wait for a controller that takes them down.
const mostOrdered = 1000

// remember keeps an order until the controller has it in its audit trail; what is heard a second time is kept once.
func (s *Service) remember(o shown.Ordered) error {
	if !slices.ContainsFunc(s.book.Ordered, func(known shown.Ordered) bool { return known.Key == o.Key }) {
		s.book.Ordered = append(s.book.Ordered, o)
		s.book.Ordered = s.book.Ordered[max(0, len(s.book.Ordered)-mostOrdered):]
	}
	return s.book.Save(s.o.State)
}

// takeDown hands what was ordered to the controller. Without one it waits.
func (s *Service) takeDown(ctx context.Context) error {
	for len(s.book.Ordered) > 0 {
		if took, err := s.o.World.TakeDown(ctx, s.book.Ordered[0]); err != nil || !took {
			return err
		}
		s.book.Ordered = s.book.Ordered[1:]
		if err := s.book.Save(s.o.State); err != nil {
			return err
		}
	}
	return nil
}

// obey tells whether an order could be carried out.
func (t *turn) obey(ctx context.Context, who, what, commit string) (bool, error) {
	if !t.pull.Open && what != "approve" && what != "help" {
		return false, nil
	}
	switch what {
	case "plan":
		return t.allow(commit), nil
	case "discard":
		return t.discard(ctx, who)
	case "approve":
		return t.approve(ctx, who, commit)
	}
	_, err := forge.Upsert(ctx, t.o.Client, t.r.Number, t.o.Account, preview.HelpMarker, preview.HelpMarker+preview.Orders)
	return err == nil, err
}

// allow orders a plan. A fork's commit may be planned from then on if it is the one that is named, or the one that stands in the comment: what
// was pushed since the order was given is not what it was given for.
func (t *turn) allow(commit string) bool {
	if commit == "" {
		commit = t.r.Head
	}
	if commit == "" || !strings.HasPrefix(t.pull.Head, commit) {
		return false
	}
	t.force, t.r.Retired = true, ""
	if t.pull.Fork {
		t.r.Allowed = t.pull.Head
	}
	return true
}

// discard takes back what was shown: it is not applied until it is planned anew.
func (t *turn) discard(ctx context.Context, who string) (bool, error) {
	if t.r.Head != t.pull.Head {
		return false, nil
	}
	t.r.Retired, t.r.Agreed = who, nil
	body := preview.Told(t.r.Head, t.r.Base, "discarded", "by "+who+"; \"plumb plan\" plans it anew") + preview.Orders
	if _, err := forge.Upsert(ctx, t.o.Client, t.r.Number, t.o.Account, preview.Marker, body); err != nil {
		return false, err
	}
	return true, t.status(ctx, forge.Failure, "discarded by "+who)
}

// effect is what stands in the comment.
func (t *turn) effect() string {
	if t.r.Merged != "" && t.r.Offered != "" {
		return t.r.Offered
	}
	return t.r.Effect
}

// approve remembers who agreed to the effect that stands in the comment.
func (t *turn) approve(ctx context.Context, who, commit string) (bool, error) {
	effect := t.effect()
	if effect == "" || t.r.Retired != "" || t.pull.Open && t.r.Head != t.pull.Head || !strings.HasPrefix(t.pull.Head, commit) {
		return false, nil
	}
	t.r.Agreed = &shown.Agreed{By: who, Effect: effect, At: t.o.Now()}
	if err := t.book.Save(t.o.State); err != nil {
		return false, err
	}
	if !t.pull.Open {
		t.o.World.Look(ctx)
	}
	return true, t.banner(ctx, "**approved** by %s: the effect %s of %s.", who, effect, plan.ShortCommit(t.r.Head))
}

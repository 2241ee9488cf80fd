package reconcile

import (
	"errors"
	"fmt"
	"slices"

	"plumbline/reconcile/audit"
	"plumbline/reconcile/diff"
	"plumbline/reconcile/notify"
	"plumbline/reconcile/plan"
	"plumbline/reconcile/run"
	"plumbline/schema"
	"plumbline/sources/trust"
)

// tellResult tells what came of a plan.
func (c *Controller) tellResult(p *plan.Plan, r run.Result) {
	for _, n := range c.resultNotices(p, r) {
		c.notify(n)
	}
}

// resultNotices is what there is to tell of a plan: one that did nothing is not worth a notice.
func (c *Controller) resultNotices(p *plan.Plan, r run.Result) []notify.Notice {
	if p.Empty() && len(p.Refusals) == 0 {
		return nil
	}
	n := notify.Notice{
		ID: r.Plan, Status: notify.Event, Reason: reasonOf(p, r), Severity: severityOf(r), Commit: p.Commit, StartsAt: c.now(),
		Message: fmt.Sprintf("commit %s: %s (%s)", plan.ShortCommit(p.Commit), r.Verdict, p.Summary()), Details: map[string]string{},
	}
	for i, felt := range c.felt(p) {
		if i < mostFelt {
			n.Message += "; " + felt.String()
		}
		n.Details["users of "+felt.instance.String()] = felt.String()
	}
	for _, l := range r.Lanes {
		if l.Outcome != run.LaneApplied {
			n.Details[fmt.Sprintf("lane %d", l.Lane)] = fmt.Sprintf("%s: %s", l.Outcome, l.Err)
		}
	}
	for _, f := range p.Refusals {
		n.Details[f.Instance.String()] = fmt.Sprintf("%s: %s", f.Class, f.Text)
	}
	for _, left := range r.Residue {
		n.Details[left.Step] = fmt.Sprintf("%s: %s", left.State, left.Text)
	}
	return []notify.Notice{n}
}

// tellOutcome tells what came of a head, but not a second time that nothing was done for the same reasons: one that waits for
// a host is considered every few seconds.
func (c *Controller) tellOutcome(p *plan.Plan, r run.Result) {
	words := fmt.Sprint(p.Commit, r.Verdict)
	for _, refusal := range p.Refusals {
		words += fmt.Sprint(" ", refusal.Instance, refusal.Class) // not its text: a host is away in many words
	}
	notices := c.resultNotices(p, r)
	if fresh := c.tellNews(newsOutcome, words, notices...); fresh && !acted(r) {
		c.audit.later(refusals(audit.Record{Commit: p.Commit, Plan: p.ID, Effect: p.EffectDigest, By: ByItself}, p.Refusals)...)
	} else if !fresh && acted(r) {
		c.tellResult(p, r)
	}
}

// acted tells whether a plan did anything, and be it in vain.
func acted(r run.Result) bool {
	return slices.ContainsFunc(r.Lanes, func(l run.LaneResult) bool { return l.Outcome != run.LaneHeld && l.Outcome != run.LaneBlocked })
}

// ruled is the word for what a rule refused.
var ruled = map[diff.Class]string{
	diff.Protected: notify.ReasonPolicyDenied, diff.Denied: notify.ReasonPolicyDenied, diff.Closed: notify.ReasonWindowClosed, diff.Limit: notify.ReasonLimitExceeded,
}

// reasonOf is a plan's outcome in a word. Where nothing was done because a rule refused it, it is that rule's.
func reasonOf(p *plan.Plan, r run.Result) string {
	if r.Verdict != run.Residual && !slices.ContainsFunc(r.Lanes, func(l run.LaneResult) bool { return l.Outcome == run.LaneApplied || l.Outcome == run.LaneRolledBack }) {
		if slices.ContainsFunc(p.Lanes, func(l plan.Lane) bool { return l.Unapproved }) {
			return notify.ReasonApprovalRequired
		}
		for _, refusal := range p.Refusals {
			if word := ruled[refusal.Class]; word != "" {
				return word
			}
		}
	}
	switch r.Verdict {
	case run.Applied:
		return notify.ReasonApplied
	case run.Partly:
		return notify.ReasonPartlyApplied
	case run.Residual:
		return notify.ReasonRollbackFailed
	case run.NotRun:
		return notify.ReasonPlanRefused
	}
	return notify.ReasonRolledBack
}

func severityOf(r run.Result) notify.Severity {
	switch r.Verdict {
	case run.Applied:
		return notify.Info
	case run.Residual:
		return notify.Critical
	}
	return notify.Warning
}

// tellFault tells why a commit goes no further, once for the same words.
func (c *Controller) tellFault(commit string, err error) {
	n := notify.Notice{Status: notify.Event, Severity: notify.Warning, Commit: commit, StartsAt: c.now(), Message: err.Error()}
	var problems schema.Problems
	var untrusted *trust.Error
	topic := newsFault
	switch {
	case errors.As(err, &untrusted):
		n.Reason = notify.ReasonUntrusted
		n.Details = map[string]string{"reason": string(untrusted.Reason), "commit": untrusted.Commit.ID}
	case errors.As(err, &problems):
		n.Reason = notify.ReasonValidationFailed
	case commit == "":
		n.Reason, topic = notify.ReasonSourceFailed, newsSource
	default:
		n.Reason = notify.ReasonPlanRefused
	}
	n.ID = fmt.Sprintf("%s/%s/%s", n.Reason, commit, n.StartsAt.UTC().Format(stamp))
	if c.tellNews(topic, commit+" "+err.Error(), n) {
		c.audit.fault(commit, err)
	}
}

// tellFound tells that the source can be read again.
func (c *Controller) tellFound(head string) {
	c.notify(notify.Notice{
		ID: fmt.Sprintf("%s/%s/%s", notify.ReasonSourceFound, head, c.now().UTC().Format(stamp)), Status: notify.Event, Reason: notify.ReasonSourceFound, Severity: notify.Info, Commit: head,
		StartsAt: c.now(), Message: "the repository can be read again",
	})
}

// tellSuspension tells once that nothing is changed any more, and why, or (why "") that the loop goes on; false: that is known.
func (c *Controller) tellSuspension(topic, why string) bool {
	n := notify.Notice{Status: notify.Event, Reason: notify.ReasonSuspended, Severity: notify.Info, StartsAt: c.now(), Message: why}
	if why == "" {
		n.Reason, n.Message = notify.ReasonResumed, "the loop goes on"
	}
	n.ID = n.Reason + "/" + n.StartsAt.UTC().Format(stamp)
	return c.tellNews(topic, why, n)
}

package reconcile

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"plumbline/reconcile/audit"
	"plumbline/reconcile/diff"
	"plumbline/reconcile/plan"
	"plumbline/reconcile/shown"
	"plumbline/sources"
	"plumbline/sources/forge"
)

// mostCommits bounds how far back the requests of a plan are looked for.
const mostCommits = 200

// provenance is what is known of the commits that a plan brings: who wrote the newest, whose word it was, and the requests that they came by. What
// somebody answered to a request counts for exactly this effect.
func (c *Controller) provenance(p *plan.Plan) audit.Record {
	r := audit.Record{Commit: p.Commit}
	if commits, err := c.store.Commits(); err == nil && commits.Highest == p.Commit {
		r.Signer, r.Key = commits.Signer, commits.Key
	}
	if c.source == nil {
		return r
	}
	ctx, cancel := context.WithTimeout(context.Background(), auditPatience)
	defer cancel()
	log, err := c.source.Log(ctx, p.Commit, mostCommits)
	if err != nil || len(log) == 0 || log[0].ID != p.Commit {
		return r
	}
	r.Author, r.Subject = author(log[0]), log[0].Subject
	for _, request := range c.requestsOf(log, p.Base) {
		r.Requests = append(r.Requests, c.Address(request.Number))
		if request.Agreed != nil && request.Agreed.Effect == p.EffectDigest {
			r.Approvals = append(r.Approvals, audit.Approval{Rule: "plumb approve", By: []string{request.Agreed.By}})
		}
	}
	return r
}

// requestsOf are the requests that became commits, the newest first, back to the one that was applied before.
func (c *Controller) requestsOf(log []sources.Commit, base string) (out []*shown.Request) {
	book, err := shown.Load(c.cfg.State)
	if err != nil {
		c.log.Error().Err(err).Msg("the audit trail does not tell requests")
		return nil
	}
	for n, commit := range log {
		if commit.ID == base && n > 0 {
			break
		}
		request := book.Of(shown.Commit{ID: commit.ID, Parents: commit.Parents, Tree: commit.Tree})
		if request != nil && !slices.Contains(out, request) {
			out = append(out, request)
		}
	}
	return out
}

// Address is that of a request, as a browser shows it; without a forge in the configuration it is "request 7".
func (c *Controller) Address(number int64) string {
	if c.cfg.Forge != nil {
		if project, err := forge.ParseProject(c.cfg.Forge.Kind, c.cfg.Forge.Project); err == nil {
			return forge.Request{Project: project, Number: number}.String()
		}
	}
	return fmt.Sprintf("request %d", number)
}

// agreedTo are the words that let a change through: of those who guard its path, and of whoever wrote the line that approves it.
func agreedTo(lanes []plan.Lane, change *diff.Change) (out []audit.Approval) {
	for _, l := range lanes {
		if l.ID != change.Lane {
			continue
		}
		for _, a := range l.Agreed {
			if !a.Lacks() {
				out = append(out, audit.Approval{Rule: a.Rule, Place: a.Pos, Need: a.Need, By: a.Names})
			}
		}
	}
	if !change.Approved.IsZero() {
		out = append(out, audit.Approval{Rule: "approve", Place: change.Approved})
	}
	return out
}

// everyWord are the words that let anything of a plan through, each once.
func everyWord(all []audit.Record) (out []audit.Approval) {
	for _, r := range all {
		for _, a := range r.Approvals {
			same := func(b audit.Approval) bool { return a.Rule == b.Rule && a.Place == b.Place && slices.Equal(a.By, b.By) }
			if !slices.ContainsFunc(out, same) {
				out = append(out, a)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b audit.Approval) int { return cmp.Compare(a.Rule, b.Rule) })
	return out
}

package forge

import (
	"context"
	"fmt"
	"net/http"

	"github.com/google/go-github/v87/github"
)

// page is how many comments or requests are asked for at once.
const page = 100

type hub struct {
	project           Project
	owner, repository string
	*github.Client
}

func newGitHub(p Project, token string) (Client, error) {
	options := []github.ClientOptionsFunc{github.WithHTTPClient(client()), github.WithAuthToken(token)}
	if p.Base != "https://github.com" {
		options = append(options, github.WithEnterpriseURLs(p.Base, p.Base))
	}
	c, err := github.NewClient(options...)
	if err != nil {
		return nil, err
	}
	owner, repository := p.parts()
	return &hub{p, owner, repository, c}, nil
}

func (h *hub) failed(what string, answer *github.Response, err error) error {
	var plain *http.Response
	if answer != nil {
		plain = answer.Response
	}
	return failed(what, plain, err)
}

func (h *hub) Account(ctx context.Context) (string, error) {
	user, answer, err := h.Users.Get(ctx, "")
	return user.GetLogin(), h.failed("ask GitHub whose token this is", answer, err)
}

func (h *hub) Pulls(ctx context.Context, branch string) (all []Pull, err error) {
	options := &github.PullRequestListOptions{State: "open", Base: branch, ListOptions: github.ListOptions{PerPage: page}}
	for range mostPages {
		list, answer, err := h.PullRequests.List(ctx, h.owner, h.repository, options)
		if err != nil {
			return nil, h.failed("list the requests", answer, err)
		}
		for _, one := range list {
			all = append(all, h.pull(one))
		}
		if options.Page = answer.NextPage; answer.NextPage == 0 {
			return all, nil
		}
	}
	return nil, errPages
}

func (h *hub) Pull(ctx context.Context, number int64) (Pull, error) {
	one, answer, err := h.PullRequests.Get(ctx, h.owner, h.repository, int(number))
	if err != nil {
		return Pull{}, h.failed("read the request", answer, err)
	}
	return h.pull(one), nil
}

func (h *hub) pull(p *github.PullRequest) Pull {
	if p.GetHead() == nil || p.GetBase() == nil { // it answered "null", or half
		return Pull{Number: int64(p.GetNumber()), Fork: true}
	}
	out := Pull{
		Number: int64(p.GetNumber()), Head: p.GetHead().GetSHA(), Branch: p.GetBase().GetRef(), Author: p.GetUser().GetLogin(),
		Fork: p.GetHead().GetRepo().GetID() != p.GetBase().GetRepo().GetID(), Open: p.GetState() == "open",
	}
	if !out.Open && p.MergedAt != nil {
		out.Merged = p.GetMergeCommitSHA() // of an open one it is GitHub's trial
	}
	return out
}

// Queued asks for the branches of the queue, which GitHub makes and removes.
func (h *hub) Queued(ctx context.Context, branch string) (all []Queued, err error) {
	refs, answer, err := h.Git.ListMatchingRefs(ctx, h.owner, h.repository, "heads/gh-readonly-queue/"+branch+"/")
	for _, ref := range refs {
		all = append(all, Queued{Ref: ref.GetRef(), Head: ref.GetObject().GetSHA()})
	}
	return all, h.failed("list the merge queue", answer, err)
}

func (h *hub) Ref(number int64) string { return fmt.Sprintf("refs/pull/%d/head", number) }

func (h *hub) MayWrite(ctx context.Context, account string) (bool, error) {
	level, answer, err := h.Repositories.GetPermissionLevel(ctx, h.owner, h.repository, account)
	if answer != nil && answer.StatusCode == http.StatusNotFound {
		return false, nil
	}
	word := level.GetPermission()
	return word == "admin" || word == "write", h.failed("ask what "+account+" may do", answer, err)
}

func (h *hub) React(ctx context.Context, _, id int64, sign Sign) error {
	_, answer, err := h.Reactions.CreateIssueCommentReaction(ctx, h.owner, h.repository, id, string(sign))
	return h.failed("answer the comment", answer, err)
}

func (h *hub) Comments(ctx context.Context, number int64) (all []Comment, err error) {
	options := &github.IssueListCommentsOptions{ListOptions: github.ListOptions{PerPage: page}}
	for range mostPages {
		list, answer, err := h.Issues.ListComments(ctx, h.owner, h.repository, int(number), options)
		if err != nil {
			return nil, h.failed("list the comments", answer, err)
		}
		for _, c := range list {
			all = append(all, Comment{ID: c.GetID(), Author: c.GetUser().GetLogin(), Body: c.GetBody()})
		}
		if options.Page = answer.NextPage; answer.NextPage == 0 {
			return all, nil
		}
	}
	return nil, errPages
}

func (h *hub) Write(ctx context.Context, number, id int64, body string) error {
	comment := &github.IssueComment{Body: &body}
	var answer *github.Response
	var err error
	if id == 0 {
		_, answer, err = h.Issues.CreateComment(ctx, h.owner, h.repository, int(number), comment)
	} else {
		_, answer, err = h.Issues.EditComment(ctx, h.owner, h.repository, id, comment)
	}
	return h.failed("write the comment", answer, err)
}

func (h *hub) Report(ctx context.Context, commit string, s Status) error {
	state, text := string(s.State), s.description()
	_, answer, err := h.Repositories.CreateStatus(ctx, h.owner, h.repository, commit, github.RepoStatus{State: &state, Description: &text, Context: &s.Context})
	return h.failed("set the status", answer, err)
}

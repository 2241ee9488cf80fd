package forge

import (
	"context"
	"net/http"

	"github.com/google/go-github/v87/github"
)

// page is how many comments are asked for at once.
const page = 100

type hub struct {
	owner, repository string
	*github.Client
}

func newGitHub(r Request, token string) (Client, error) {
	options := []github.ClientOptionsFunc{github.WithHTTPClient(client()), github.WithAuthToken(token)}
	if r.Base != "https://github.com" {
		options = append(options, github.WithEnterpriseURLs(r.Base, r.Base))
	}
	c, err := github.NewClient(options...)
	if err != nil {
		return nil, err
	}
	owner, repository := r.parts()
	return &hub{owner, repository, c}, nil
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

func (h *hub) Head(ctx context.Context, number int64) (string, error) {
	request, answer, err := h.PullRequests.Get(ctx, h.owner, h.repository, int(number))
	return request.GetHead().GetSHA(), h.failed("read the request", answer, err)
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

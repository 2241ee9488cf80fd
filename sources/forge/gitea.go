package forge

import (
	"context"
	"net/http"

	"code.gitea.io/sdk/gitea"
)

// giteaVersion keeps the client from asking for the version first: what is called is there since.
const giteaVersion = "1.20.0"

// tea is Gitea or Forgejo. Its client holds the context, so that each call has a client of its own.
type tea struct {
	base, token, owner, repository string
	http                           *http.Client
}

func newGitea(r Request, token string) (Client, error) {
	owner, repository := r.parts()
	return &tea{r.Base, token, owner, repository, client()}, nil
}

func (t *tea) with(ctx context.Context) (*gitea.Client, error) {
	return gitea.NewClient(t.base, gitea.SetContext(ctx), gitea.SetToken(t.token), gitea.SetHTTPClient(t.http), gitea.SetGiteaVersion(giteaVersion))
}

func (t *tea) failed(what string, answer *gitea.Response, err error) error {
	var plain *http.Response
	if answer != nil {
		plain = answer.Response
	}
	return failed(what, plain, err)
}

func (t *tea) Account(ctx context.Context) (string, error) {
	c, err := t.with(ctx)
	if err != nil {
		return "", err
	}
	user, answer, err := c.GetMyUserInfo()
	if err != nil || user == nil {
		return "", t.failed("ask the forge whose token this is", answer, err)
	}
	return user.UserName, nil
}

func (t *tea) Head(ctx context.Context, number int64) (string, error) {
	c, err := t.with(ctx)
	if err != nil {
		return "", err
	}
	request, answer, err := c.GetPullRequest(t.owner, t.repository, number)
	if err != nil || request == nil || request.Head == nil {
		return "", t.failed("read the request", answer, err)
	}
	return request.Head.Sha, nil
}

func (t *tea) Comments(ctx context.Context, number int64) (all []Comment, err error) {
	c, err := t.with(ctx)
	if err != nil {
		return nil, err
	}
	for n := 1; ; n++ {
		list, answer, err := c.ListIssueComments(t.owner, t.repository, number, gitea.ListIssueCommentOptions{ListOptions: gitea.ListOptions{Page: n, PageSize: page}})
		if err != nil {
			return nil, t.failed("list the comments", answer, err)
		}
		for _, one := range list {
			if one == nil {
				continue
			}
			comment := Comment{ID: one.ID, Body: one.Body}
			if one.Poster != nil {
				comment.Author = one.Poster.UserName
			}
			all = append(all, comment)
		}
		if answer.NextPage == 0 {
			return all, nil
		}
		if n == mostPages {
			return nil, errPages
		}
	}
}

func (t *tea) Write(ctx context.Context, number, id int64, body string) error {
	c, err := t.with(ctx)
	if err != nil {
		return err
	}
	var answer *gitea.Response
	if id == 0 {
		_, answer, err = c.CreateIssueComment(t.owner, t.repository, number, gitea.CreateIssueCommentOption{Body: body})
	} else {
		_, answer, err = c.EditIssueComment(t.owner, t.repository, id, gitea.EditIssueCommentOption{Body: body})
	}
	return t.failed("write the comment", answer, err)
}

func (t *tea) Report(ctx context.Context, commit string, s Status) error {
	c, err := t.with(ctx)
	if err != nil {
		return err
	}
	_, answer, err := c.CreateStatus(t.owner, t.repository, commit, gitea.CreateStatusOption{State: gitea.StatusState(s.State), Description: s.description(), Context: s.Context})
	return t.failed("set the status", answer, err)
}

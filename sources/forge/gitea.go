package forge

import (
	"context"
	"fmt"
	"net/http"

	"code.gitea.io/sdk/gitea"
)

// giteaVersion keeps the client from asking for the version first: what is called is there since.
const giteaVersion = "1.20.0"

// tea is Gitea or Forgejo. Its client holds the context, so that each call has a client of its own.
type tea struct {
	project                  Project
	token, owner, repository string
	http                     *http.Client
}

func newGitea(p Project, token string) (Client, error) {
	owner, repository := p.parts()
	return &tea{p, token, owner, repository, client()}, nil
}

func (t *tea) with(ctx context.Context) (*gitea.Client, error) {
	return gitea.NewClient(t.project.Base, gitea.SetContext(ctx), gitea.SetToken(t.token), gitea.SetHTTPClient(t.http), gitea.SetGiteaVersion(giteaVersion))
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

func (t *tea) Pulls(ctx context.Context, branch string) (all []Pull, err error) {
	c, err := t.with(ctx)
	if err != nil {
		return nil, err
	}
	for n := 1; ; n++ {
		list, answer, err := c.ListRepoPullRequests(t.owner, t.repository, gitea.ListPullRequestsOptions{State: gitea.StateOpen, ListOptions: gitea.ListOptions{Page: n, PageSize: page}})
		if err != nil {
			return nil, t.failed("list the requests", answer, err)
		}
		for _, one := range list {
			if p := t.pull(one); p.Branch == branch {
				all = append(all, p)
			}
		}
		if answer.NextPage == 0 {
			return all, nil
		}
		if n == mostPages {
			return nil, errPages
		}
	}
}

func (t *tea) Pull(ctx context.Context, number int64) (Pull, error) {
	c, err := t.with(ctx)
	if err != nil {
		return Pull{}, err
	}
	one, answer, err := c.GetPullRequest(t.owner, t.repository, number)
	if err != nil {
		return Pull{}, t.failed("read the request", answer, err)
	}
	return t.pull(one), nil
}

func (t *tea) pull(p *gitea.PullRequest) Pull {
	if p == nil { // it answered "null"
		return Pull{Fork: true}
	}
	out := Pull{Number: p.Index, Open: p.State == gitea.StateOpen, Fork: true}
	if p.Poster != nil {
		out.Author = p.Poster.UserName
	}
	if p.Head != nil && p.Base != nil {
		out.Head, out.Branch = p.Head.Sha, p.Base.Ref
		out.Fork = p.Head.RepoID != p.Base.RepoID
	}
	if p.HasMerged && p.MergedCommitID != nil {
		out.Merged = *p.MergedCommitID
	}
	return out
}

func (*tea) Queued(context.Context, string) ([]Queued, error) { return nil, nil }

func (t *tea) Ref(number int64) string { return fmt.Sprintf("refs/pull/%d/head", number) }

func (t *tea) MayWrite(ctx context.Context, account string) (bool, error) {
	c, err := t.with(ctx)
	if err != nil {
		return false, err
	}
	level, answer, err := c.CollaboratorPermission(t.owner, t.repository, account)
	if answer != nil && answer.StatusCode == http.StatusNotFound {
		return false, nil
	}
	if err != nil || level == nil {
		return false, t.failed("ask what "+account+" may do", answer, err)
	}
	return level.Permission == gitea.AccessModeWrite || level.Permission == gitea.AccessModeAdmin || level.Permission == gitea.AccessModeOwner, nil
}

func (t *tea) React(ctx context.Context, _, id int64, sign Sign) error {
	c, err := t.with(ctx)
	if err != nil {
		return err
	}
	_, answer, err := c.PostIssueCommentReaction(t.owner, t.repository, id, string(sign))
	return t.failed("answer the comment", answer, err)
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

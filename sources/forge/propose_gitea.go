package forge

import (
	"context"
	"encoding/base64"

	"code.gitea.io/sdk/gitea"
)

func (t *tea) Propose(ctx context.Context, p Proposal) (Proposed, error) { return propose(ctx, t, p) }

func (t *tea) has(ctx context.Context, branch string) (bool, error) {
	c, err := t.with(ctx)
	if err != nil {
		return false, err
	}
	_, answer, err := c.GetRepoBranch(t.owner, t.repository, branch)
	if answer != nil && absent(answer.Response) {
		return false, nil
	}
	return err == nil, t.failed("look for the branch "+branch, answer, err)
}

// asked reads the list, newest first: the forge does not search it by branch.
func (t *tea) asked(ctx context.Context, p Proposal) (*Proposed, error) {
	c, err := t.with(ctx)
	if err != nil {
		return nil, err
	}
	options := gitea.ListPullRequestsOptions{State: gitea.StateAll, Sort: "recentupdate", ListOptions: gitea.ListOptions{PageSize: page}}
	for options.Page = 1; options.Page <= mostPages; options.Page++ {
		list, answer, err := c.ListRepoPullRequests(t.owner, t.repository, options)
		if err != nil {
			return nil, t.failed("look for the request of "+p.Branch, answer, err)
		}
		for _, one := range list {
			if one != nil && one.Head != nil && one.Base != nil && one.Head.Ref == p.Branch && one.Base.Ref == p.Base && one.Head.RepoID == one.Base.RepoID {
				found := t.project.request(one.Index)
				found.Open = one.State == gitea.StateOpen
				return &found, nil
			}
		}
		if answer.NextPage == 0 {
			return nil, nil
		}
	}
	return nil, errPages
}

// commit begins at the base as it is now, for the forge takes no commit there; the sums of the files refuse what changed since.
func (t *tea) commit(ctx context.Context, p Proposal) error {
	c, err := t.with(ctx)
	if err != nil {
		return err
	}
	change := gitea.ChangeFilesOptions{Branch: p.Base, NewBranch: p.Branch, Message: p.message()}
	for _, path := range p.paths() {
		one := &gitea.ChangeFileOperation{Operation: "update", Path: path, Content: base64.StdEncoding.EncodeToString(p.Files[path])}
		old, answer, err := c.GetContents(t.owner, t.repository, p.From, path)
		switch {
		case answer != nil && absent(answer.Response):
			if one.Operation = "create"; p.Files[path] == nil {
				continue // it is gone already
			}
		case err != nil || old == nil:
			return t.failed("read "+path, answer, err)
		default:
			if one.SHA = old.SHA; p.Files[path] == nil {
				one.Operation = "delete"
			}
		}
		change.Files = append(change.Files, one)
	}
	_, answer, err := c.ChangeFiles(t.owner, t.repository, change)
	return t.failed("write the files on the branch "+p.Branch, answer, err)
}

func (t *tea) ask(ctx context.Context, p Proposal) (Proposed, error) {
	c, err := t.with(ctx)
	if err != nil {
		return Proposed{}, err
	}
	one, answer, err := c.CreatePullRequest(t.owner, t.repository, gitea.CreatePullRequestOption{Head: p.Branch, Base: p.Base, Title: p.Title, Body: p.Body})
	if err != nil || one == nil {
		return Proposed{}, t.failed("open the request", answer, err)
	}
	return t.project.request(one.Index), nil
}

func (t *tea) Close(ctx context.Context, number int64) error {
	c, err := t.with(ctx)
	if err != nil {
		return err
	}
	_, answer, err := c.EditPullRequest(t.owner, t.repository, number, gitea.EditPullRequestOption{State: new(gitea.StateClosed)})
	return t.failed("close the request", answer, err)
}

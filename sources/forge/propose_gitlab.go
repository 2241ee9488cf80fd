package forge

import (
	"context"
	"encoding/base64"

	gitlab "gitlab.com/gitlab-org/api/client-go/v2"
)

func (l *lab) Propose(ctx context.Context, p Proposal) (Proposed, error) { return propose(ctx, l, p) }

func (l *lab) has(ctx context.Context, branch string) (bool, error) {
	_, answer, err := l.Branches.GetBranch(l.project.Path, branch, gitlab.WithContext(ctx))
	if answer != nil && absent(answer.Response) {
		return false, nil
	}
	return err == nil, l.failed("look for the branch "+branch, answer, err)
}

func (l *lab) asked(ctx context.Context, p Proposal) (*Proposed, error) {
	list, answer, err := l.open(ctx, &gitlab.ListProjectMergeRequestsOptions{SourceBranch: &p.Branch, TargetBranch: &p.Base}) // newest first
	for _, one := range list {
		if one != nil && one.SourceBranch == p.Branch && one.TargetBranch == p.Base && one.SourceProjectID == one.TargetProjectID {
			found := l.project.request(one.IID)
			found.Open = one.State == "opened"
			return &found, nil
		}
	}
	return nil, l.failed("look for the request of "+p.Branch, answer, err)
}

func (l *lab) commit(ctx context.Context, p Proposal) error {
	change := &gitlab.CreateCommitOptions{Branch: &p.Branch, StartSHA: &p.From, CommitMessage: new(p.message())}
	for _, path := range p.paths() {
		there, err := l.file(ctx, p.From, path)
		if err != nil {
			return err
		}
		action, one := gitlab.FileUpdate, &gitlab.CommitActionOptions{FilePath: &path}
		switch text := p.Files[path]; {
		case text == nil && !there:
			continue
		case text == nil:
			action = gitlab.FileDelete
		default:
			if !there {
				action = gitlab.FileCreate
			}
			one.Content, one.Encoding = new(base64.StdEncoding.EncodeToString(text)), new("base64")
		}
		one.Action = &action
		change.Actions = append(change.Actions, one)
	}
	_, answer, err := l.Commits.CreateCommit(l.project.Path, change, gitlab.WithContext(ctx))
	return l.failed("write the files on the branch "+p.Branch, answer, err)
}

// file tells whether a commit holds one.
func (l *lab) file(ctx context.Context, commit, path string) (bool, error) {
	_, answer, err := l.RepositoryFiles.GetFileMetaData(l.project.Path, path, &gitlab.GetFileMetaDataOptions{Ref: &commit}, gitlab.WithContext(ctx))
	if answer != nil && absent(answer.Response) {
		return false, nil
	}
	return err == nil, l.failed("look for "+path, answer, err)
}

func (l *lab) ask(ctx context.Context, p Proposal) (Proposed, error) {
	one, answer, err := l.MergeRequests.CreateMergeRequest(l.project.Path, &gitlab.CreateMergeRequestOptions{
		Title: &p.Title, Description: &p.Body, SourceBranch: &p.Branch, TargetBranch: &p.Base, RemoveSourceBranch: new(true),
	}, gitlab.WithContext(ctx))
	if err != nil || one == nil {
		return Proposed{}, l.failed("open the request", answer, err)
	}
	return l.project.request(one.IID), nil
}

func (l *lab) Close(ctx context.Context, number int64) error {
	_, answer, err := l.MergeRequests.UpdateMergeRequest(l.project.Path, number, &gitlab.UpdateMergeRequestOptions{StateEvent: new("close")}, gitlab.WithContext(ctx))
	return l.failed("close the request", answer, err)
}

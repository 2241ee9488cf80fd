package forge

import (
	"context"
	"net/http"

	gitlab "gitlab.com/gitlab-org/api/client-go/v2"
)

type lab struct {
	project string
	*gitlab.Client
}

func newGitLab(r Request, token string) (Client, error) {
	c, err := gitlab.NewClient(token, gitlab.WithBaseURL(r.Base), gitlab.WithHTTPClient(client()), gitlab.WithoutRetries())
	if err != nil {
		return nil, err
	}
	return &lab{r.Project, c}, nil
}

func (l *lab) failed(what string, answer *gitlab.Response, err error) error {
	var plain *http.Response
	if answer != nil {
		plain = answer.Response
	}
	return failed(what, plain, err)
}

func (l *lab) Account(ctx context.Context) (string, error) {
	user, answer, err := l.Users.CurrentUser(gitlab.WithContext(ctx))
	if err != nil || user == nil { // it may answer "null"
		return "", l.failed("ask GitLab whose token this is", answer, err)
	}
	return user.Username, nil
}

func (l *lab) Head(ctx context.Context, number int64) (string, error) {
	request, answer, err := l.MergeRequests.GetMergeRequest(l.project, number, nil, gitlab.WithContext(ctx))
	if err != nil || request == nil {
		return "", l.failed("read the request", answer, err)
	}
	return request.SHA, nil
}

func (l *lab) Comments(ctx context.Context, number int64) (all []Comment, err error) {
	oldest, ascending := "created_at", "asc"
	options := &gitlab.ListMergeRequestNotesOptions{OrderBy: &oldest, Sort: &ascending, ListOptions: gitlab.ListOptions{PerPage: page}}
	for range mostPages {
		list, answer, err := l.Notes.ListMergeRequestNotes(l.project, number, options, gitlab.WithContext(ctx))
		if err != nil {
			return nil, l.failed("list the comments", answer, err)
		}
		for _, one := range list {
			if one == nil {
				continue
			}
			all = append(all, Comment{ID: one.ID, Author: one.Author.Username, Body: one.Body})
		}
		if options.Page = answer.NextPage; answer.NextPage == 0 {
			return all, nil
		}
	}
	return nil, errPages
}

func (l *lab) Write(ctx context.Context, number, id int64, body string) error {
	var answer *gitlab.Response
	var err error
	if id == 0 {
		_, answer, err = l.Notes.CreateMergeRequestNote(l.project, number, &gitlab.CreateMergeRequestNoteOptions{Body: &body}, gitlab.WithContext(ctx))
	} else {
		_, answer, err = l.Notes.UpdateMergeRequestNote(l.project, number, id, &gitlab.UpdateMergeRequestNoteOptions{Body: &body}, gitlab.WithContext(ctx))
	}
	return l.failed("write the comment", answer, err)
}

// Report knows no error as a state of its own: GitLab has success and failed.
func (l *lab) Report(ctx context.Context, commit string, s Status) error {
	state, text := gitlab.Success, s.description()
	if s.State != Success {
		state = gitlab.Failed
	}
	_, answer, err := l.Commits.SetCommitStatus(l.project, commit, &gitlab.SetCommitStatusOptions{State: state, Description: &text, Context: &s.Context}, gitlab.WithContext(ctx))
	return l.failed("set the status", answer, err)
}

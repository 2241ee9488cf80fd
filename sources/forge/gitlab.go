package forge

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"strings"

	gitlab "gitlab.com/gitlab-org/api/client-go/v2"
)

type lab struct {
	project Project
	*gitlab.Client
}

func newGitLab(p Project, token string) (Client, error) {
	c, err := gitlab.NewClient(token, gitlab.WithBaseURL(p.Base), gitlab.WithHTTPClient(client()), gitlab.WithoutRetries())
	if err != nil {
		return nil, err
	}
	return &lab{p, c}, nil
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

func (l *lab) Pulls(ctx context.Context, branch string) (all []Pull, err error) {
	state := "opened"
	options := &gitlab.ListProjectMergeRequestsOptions{State: &state, TargetBranch: &branch, ListOptions: gitlab.ListOptions{PerPage: page}}
	for range mostPages {
		list, answer, err := l.open(ctx, options)
		if err != nil {
			return nil, l.failed("list the requests", answer, err)
		}
		for _, one := range list {
			all = append(all, l.pull(one))
		}
		if options.Page = answer.NextPage; answer.NextPage == 0 {
			return all, nil
		}
	}
	return nil, errPages
}

// open is one page of requests. The client's own call does not survive a list that holds null.
func (l *lab) open(ctx context.Context, options *gitlab.ListProjectMergeRequestsOptions) (list []*gitlab.BasicMergeRequest, answer *gitlab.Response, err error) {
	request, err := l.NewRequest(http.MethodGet, "projects/"+gitlab.PathEscape(l.project.Path)+"/merge_requests", options, []gitlab.RequestOptionFunc{gitlab.WithContext(ctx)})
	if err == nil {
		answer, err = l.Do(request, &list)
	}
	return list, answer, err
}

func (l *lab) Pull(ctx context.Context, number int64) (Pull, error) {
	one, answer, err := l.MergeRequests.GetMergeRequest(l.project.Path, number, nil, gitlab.WithContext(ctx))
	if err != nil || one == nil {
		return Pull{Fork: true}, l.failed("read the request", answer, err)
	}
	return l.pull(&one.BasicMergeRequest), nil
}

func (l *lab) pull(p *gitlab.BasicMergeRequest) Pull {
	if p == nil { // it answered "null"
		return Pull{Fork: true}
	}
	out := Pull{Number: p.IID, Head: p.SHA, Branch: p.TargetBranch, Fork: p.SourceProjectID != p.TargetProjectID, Open: p.State == "opened"}
	if p.Author != nil {
		out.Author = p.Author.Username
	}
	if p.State == "merged" { // squashed, merged, or moved forward
		out.Merged = cmp.Or(p.MergeCommitSHA, p.SquashCommitSHA, p.SHA)
	}
	return out
}

func (*lab) Queued(context.Context, string) ([]Queued, error) { return nil, nil }

func (l *lab) Ref(number int64) string { return fmt.Sprintf("refs/merge-requests/%d/head", number) }

// MayWrite: a developer may push (GitLab's table of permissions).
func (l *lab) MayWrite(ctx context.Context, account string) (bool, error) {
	what := "ask what " + account + " may do"
	users, answer, err := l.Users.ListUsers(&gitlab.ListUsersOptions{Username: &account}, gitlab.WithContext(ctx))
	if err != nil || len(users) != 1 || users[0] == nil || users[0].Username != account {
		return false, l.failed(what, answer, err)
	}
	member, answer, err := l.ProjectMembers.GetInheritedProjectMember(l.project.Path, users[0].ID, gitlab.WithContext(ctx))
	if answer != nil && answer.StatusCode == http.StatusNotFound {
		return false, nil
	}
	if err != nil || member == nil {
		return false, l.failed(what, answer, err)
	}
	return member.State != "blocked" && member.AccessLevel >= gitlab.DeveloperPermissions, nil
}

func (l *lab) React(ctx context.Context, number, id int64, sign Sign) error {
	name := map[Sign]string{Yes: "thumbsup", No: "thumbsdown"}[sign]
	_, answer, err := l.AwardEmoji.CreateMergeRequestAwardEmojiOnNote(l.project.Path, number, id, &gitlab.CreateAwardEmojiOptions{Name: name}, gitlab.WithContext(ctx))
	return l.failed("answer the comment", answer, err)
}

func (l *lab) Comments(ctx context.Context, number int64) (all []Comment, err error) {
	oldest, ascending := "created_at", "asc"
	options := &gitlab.ListMergeRequestNotesOptions{OrderBy: &oldest, Sort: &ascending, ListOptions: gitlab.ListOptions{PerPage: page}}
	for range mostPages {
		list, answer, err := l.Notes.ListMergeRequestNotes(l.project.Path, number, options, gitlab.WithContext(ctx))
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
		_, answer, err = l.Notes.CreateMergeRequestNote(l.project.Path, number, &gitlab.CreateMergeRequestNoteOptions{Body: &body}, gitlab.WithContext(ctx))
	} else {
		_, answer, err = l.Notes.UpdateMergeRequestNote(l.project.Path, number, id, &gitlab.UpdateMergeRequestNoteOptions{Body: &body}, gitlab.WithContext(ctx))
	}
	return l.failed("write the comment", answer, err)
}

// Report knows no error as a state of its own: GitLab has pending, success and failed. It refuses
// a state that stands already ("Cannot transition status"), which is no failure.
func (l *lab) Report(ctx context.Context, commit string, s Status) error {
	state, text := gitlab.Failed, s.description()
	switch s.State {
	case Success:
		state = gitlab.Success
	case Pending:
		state = gitlab.Pending
	}
	_, answer, err := l.Commits.SetCommitStatus(l.project.Path, commit, &gitlab.SetCommitStatusOptions{State: state, Description: &text, Context: &s.Context}, gitlab.WithContext(ctx))
	if err != nil && answer != nil && answer.StatusCode == http.StatusBadRequest && strings.Contains(err.Error(), "Cannot transition status") {
		return nil
	}
	return l.failed("set the status", answer, err)
}

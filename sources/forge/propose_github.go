package forge

import (
	"context"
	"encoding/base64"
	"unicode/utf8"

	"github.com/google/go-github/v87/github"
)

func (h *hub) Propose(ctx context.Context, p Proposal) (Proposed, error) { return propose(ctx, h, p) }

func (h *hub) has(ctx context.Context, branch string) (bool, error) {
	_, answer, err := h.Git.GetRef(ctx, h.owner, h.repository, "heads/"+branch)
	if answer != nil && absent(answer.Response) {
		return false, nil
	}
	return err == nil, h.failed("look for the branch "+branch, answer, err)
}

func (h *hub) asked(ctx context.Context, p Proposal) (*Proposed, error) {
	options := &github.PullRequestListOptions{State: "all", Head: h.owner + ":" + p.Branch, Base: p.Base}
	list, answer, err := h.PullRequests.List(ctx, h.owner, h.repository, options) // newest first
	for _, one := range list {
		if one.GetHead().GetRef() == p.Branch && one.GetBase().GetRef() == p.Base {
			found := h.project.request(int64(one.GetNumber()))
			found.Open = one.GetState() == "open"
			return &found, nil
		}
	}
	return nil, h.failed("look for the request of "+p.Branch, answer, err)
}

// commit writes tree and commit first, which nobody sees, and then the branch.
func (h *hub) commit(ctx context.Context, p Proposal) error {
	from, answer, err := h.Git.GetCommit(ctx, h.owner, h.repository, p.From)
	if err != nil {
		return h.failed("read the commit "+p.From, answer, err)
	}
	entries, err := h.entries(ctx, p)
	if err != nil {
		return err
	}
	tree, answer, err := h.Git.CreateTree(ctx, h.owner, h.repository, from.GetTree().GetSHA(), entries)
	if err != nil {
		return h.failed("write the files", answer, err)
	}
	commit, answer, err := h.Git.CreateCommit(ctx, h.owner, h.repository, github.Commit{
		Message: new(p.message()), Tree: tree, Parents: []*github.Commit{{SHA: &p.From}},
	}, nil)
	if err != nil {
		return h.failed("write the commit", answer, err)
	}
	_, answer, err = h.Git.CreateRef(ctx, h.owner, h.repository, github.CreateRef{Ref: "refs/heads/" + p.Branch, SHA: commit.GetSHA()})
	return h.failed("make the branch "+p.Branch, answer, err)
}

// entries are the files of the tree that change. What is no UTF-8 crosses as a blob of its own.
func (h *hub) entries(ctx context.Context, p Proposal) (entries []*github.TreeEntry, err error) {
	for _, path := range p.paths() {
		text, entry := p.Files[path], &github.TreeEntry{Path: &path, Mode: new("100644"), Type: new("blob")}
		switch {
		case text == nil: // without content and sum it is removed
		case utf8.Valid(text):
			entry.Content = new(string(text))
		default:
			blob, answer, err := h.Git.CreateBlob(ctx, h.owner, h.repository, github.Blob{
				Content: new(base64.StdEncoding.EncodeToString(text)), Encoding: new("base64"),
			})
			if err != nil {
				return nil, h.failed("write "+path, answer, err)
			}
			entry.SHA = blob.SHA
		}
		entries = append(entries, entry)
	}
	return entries, nil
}

func (h *hub) ask(ctx context.Context, p Proposal) (Proposed, error) {
	one, answer, err := h.PullRequests.Create(ctx, h.owner, h.repository, &github.NewPullRequest{Title: &p.Title, Head: &p.Branch, Base: &p.Base, Body: &p.Body})
	return h.project.request(int64(one.GetNumber())), h.failed("open the request", answer, err)
}

func (h *hub) Close(ctx context.Context, number int64) error {
	_, answer, err := h.PullRequests.Edit(ctx, h.owner, h.repository, int(number), &github.PullRequest{State: new("closed")})
	return h.failed("close the request", answer, err)
}

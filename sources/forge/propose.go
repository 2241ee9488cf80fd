package forge

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// Proposal is a change of files that is offered as a request. It is one commit on a branch of its own in the project.
type Proposal struct {
	Base   string            // branch that the request is for
	From   string            // commit that the files were read from; the branch begins there, or refuses files that changed since
	Branch string            // new; it names the change, so that the same proposal is made once
	Title  string            // of the request, and the first line of the commit's message
	Body   string            // Markdown of the request, and the rest of the message
	Files  map[string][]byte // path from the root to its whole new text; nil = the file goes. They are regular files
}

// Proposed is the request that a proposal became.
type Proposed struct {
	Number int64
	URL    string
	Open   bool // false = somebody closed or merged it already
	Made   bool // by this call
}

// proposer is what a forge does for Propose, each a call that is done as a whole or not at all.
type proposer interface {
	has(ctx context.Context, branch string) (bool, error)
	asked(ctx context.Context, p Proposal) (*Proposed, error) // the newest request of the branch for the base; nil = none
	commit(ctx context.Context, p Proposal) error             // makes the branch with the commit
	ask(ctx context.Context, p Proposal) (Proposed, error)    // makes the request
}

const triesToPropose = 3

// propose makes the branch, then the request. What stands of it already, of an earlier call or of one whose answer was lost,
// is found and not made again.
func propose(ctx context.Context, f proposer, p Proposal) (out Proposed, err error) {
	if err := p.whole(); err != nil {
		return Proposed{}, err
	}
	for range triesToPropose {
		if out, err = proposeOnce(ctx, f, p); err == nil || !passing(err) {
			break
		}
	}
	return out, err
}

func proposeOnce(ctx context.Context, f proposer, p Proposal) (Proposed, error) {
	there, err := f.has(ctx, p.Branch)
	if err != nil {
		return Proposed{}, err
	}
	if !there {
		if err := f.commit(ctx, p); err != nil {
			return Proposed{}, err
		}
	} else if old, err := f.asked(ctx, p); err != nil || old != nil {
		return deref(old), err
	}
	out, err := f.ask(ctx, p)
	out.Open, out.Made = err == nil, err == nil
	return out, err
}

func deref(p *Proposed) Proposed {
	if p == nil {
		return Proposed{}
	}
	return *p
}

func (p Proposal) whole() error {
	for what, word := range map[string]string{"base": p.Base, "commit": p.From, "branch": p.Branch, "title": p.Title} {
		if strings.TrimSpace(word) == "" || strings.ContainsAny(word, "\r\n\x00") {
			return fmt.Errorf("cannot propose a change: its %s is %q", what, word)
		}
	}
	if len(p.Files) == 0 {
		return errors.New("cannot propose a change: it holds no file")
	}
	return nil
}

// message is that of the commit.
func (p Proposal) message() string { return strings.TrimSpace(p.Title+"\n\n"+p.Body) + "\n" }

// paths are those of the files, sorted.
func (p Proposal) paths() []string { return slices.Sorted(maps.Keys(p.Files)) }

// absent tells a thing that is not there from a failure.
func absent(answer *http.Response) bool {
	return answer != nil && answer.StatusCode == http.StatusNotFound
}

// request is the one of a number, as a person opens it.
func (p Project) request(number int64) Proposed {
	form := map[Kind]string{GitHub: "%s/%s/pull/%d", Gitea: "%s/%s/pulls/%d", GitLab: "%s/%s/-/merge_requests/%d"}[p.Kind]
	return Proposed{Number: number, URL: fmt.Sprintf(form, p.Base, p.Path, number)}
}

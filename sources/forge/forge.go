// Package forge speaks with the programs that hold requests to merge: GitHub, GitLab, and Gitea or Forgejo. It knows of
// requests, their comments and the statuses of commits, and nothing of what stands in them.
package forge

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// Client speaks with one forge about one project. Errors say which call failed and what the forge answered.
type Client interface {
	// Account is the name of who the token belongs to.
	Account(ctx context.Context) (string, error)
	// Pulls are the open requests for a branch, whatever the number of pages.
	Pulls(ctx context.Context, branch string) ([]Pull, error)
	// Pull is one request as it stands.
	Pull(ctx context.Context, number int64) (Pull, error)
	// Queued are the commits of the merge queue of a branch, each what the branch would be next: their checks are waited for. A forge without a
	// queue, and GitLab, which checks its merge trains by pipelines alone, has none.
	Queued(ctx context.Context, branch string) ([]Queued, error)
	// Ref names the ref of the project that holds a request's newest commit.
	Ref(number int64) string
	// MayWrite tells whether an account may push to the project, as the forge says now.
	MayWrite(ctx context.Context, account string) (bool, error)
	// React answers a comment with a sign.
	React(ctx context.Context, number, id int64, sign Sign) error
	// Comments are all comments of a request, oldest first, whatever the number of pages.
	Comments(ctx context.Context, number int64) ([]Comment, error)
	// Close closes a request that is not merged.
	Close(ctx context.Context, number int64) error
	// Write makes a comment, or changes the one with an ID.
	Write(ctx context.Context, number, id int64, body string) error
	// Report sets a status on a commit; one of the same context is replaced.
	Report(ctx context.Context, commit string, s Status) error
	// Propose offers a change of files as a request: it makes a branch with one commit, and the request. Of a branch that is there
	// already nothing is changed; the request that is or was made of it is given, and made when there is none.
	Propose(ctx context.Context, p Proposal) (Proposed, error)
}

// Comment is one comment of a request.
type Comment struct {
	ID     int64
	Author string
	Body   string
}

// Pull is a request as it stands.
type Pull struct {
	Number int64
	Head   string // newest commit
	Branch string // that it is for
	Author string
	Fork   bool // its commits lie in another repository
	Open   bool
	Merged string // commit that it became on the branch; "" = it is not merged
}

// Queued is one commit that waits in a merge queue.
type Queued struct {
	Ref  string // of the project; it leads to the commit
	Head string
}

// Sign is an answer to a comment.
type Sign string

// The signs: done, and refused.
const (
	Yes Sign = "+1"
	No  Sign = "-1"
)

// State is the state of a Status.
type State string

// The states.
const (
	Pending State = "pending"
	Success State = "success"
	Failure State = "failure" // the change is at fault
	Error   State = "error"   // we are, or the world is
)

// Status is what is told beside a commit. Description is cut to 140 characters.
type Status struct {
	Context     string
	State       State
	Description string
}

const mostDescription = 140

func (s Status) description() string {
	if r := []rune(s.Description); len(r) > mostDescription {
		return string(r[:mostDescription-1]) + "…"
	}
	return s.Description
}

// Upsert makes the one comment of an account that begins with a marker be body: an older one is changed in place. It tells
// whether it is new. When the forge fails while it makes one, it is looked for before it is made again.
func Upsert(ctx context.Context, c Client, number int64, account, marker, body string) (made bool, err error) {
	for try := range 3 {
		old, err := find(ctx, c, number, account, marker)
		if err != nil {
			return false, err
		}
		switch {
		case old != nil && old.Body == body:
			return try > 0, nil
		case old != nil:
			return false, c.Write(ctx, number, old.ID, body)
		}
		if err = c.Write(ctx, number, 0, body); err == nil {
			return true, nil
		}
		if !passing(err) || try == 2 {
			return false, err
		}
	}
	return false, nil
}

func find(ctx context.Context, c Client, number int64, account, marker string) (*Comment, error) {
	comments, err := c.Comments(ctx, number)
	for i := range comments {
		if comments[i].Author == account && strings.HasPrefix(comments[i].Body, marker) {
			return &comments[i], err
		}
	}
	return nil, err
}

// mostPages ends a list that a forge never ends.
const mostPages = 1000

var errPages = fmt.Errorf("cannot read the whole list: there are more than %d pages", mostPages)

// failure is an answer of a forge that is no success.
type failure struct {
	status int // of HTTP; 0 = there was no answer
	err    error
}

func (f *failure) Error() string { return f.err.Error() }

func (f *failure) Unwrap() error { return f.err }

// passing tells whether an error may pass by itself.
func passing(err error) bool {
	var f *failure
	return errors.As(err, &f) && (f.status == 0 || f.status >= 500 || f.status == http.StatusTooManyRequests)
}

// failed names the call that an error is of; nil stays nil.
func failed(what string, answer *http.Response, err error) error {
	if err == nil {
		return nil
	}
	f := &failure{err: fmt.Errorf("cannot %s: %w", what, err)}
	if answer != nil {
		f.status = answer.StatusCode
	}
	return f
}

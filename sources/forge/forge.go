// Package forge speaks with the programs that hold requests to merge: GitHub, GitLab, and Gitea or Forgejo. It knows of
// requests, their comments and the statuses of commits, and nothing of what stands in them.
package forge

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// Client speaks with one forge about one project. Errors say which call failed and what the forge answered.
type Client interface {
	// Account is the name of who the token belongs to.
	Account(ctx context.Context) (string, error)
	// Head is the newest commit of a request.
	Head(ctx context.Context, number int64) (string, error)
	// Comments are all comments of a request, oldest first, whatever the number of pages.
	Comments(ctx context.Context, number int64) ([]Comment, error)
	// Write makes a comment, or changes the one with an ID.
	Write(ctx context.Context, number, id int64, body string) error
	// Report sets a status on a commit; one of the same context is replaced.
	Report(ctx context.Context, commit string, s Status) error
}

// Comment is one comment of a request.
type Comment struct {
	ID     int64
	Author string
	Body   string
}

// State is the state of a Status.
type State string

// The states.
const (
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

// Request is one request to merge.
type Request struct {
	Base    string // "https://git.mycompany.com"
	Project string // "ops/boston"; of GitLab it may have more parts
	Number  int64
	make    func(r Request, token string) (Client, error)
}

// forges are told by the form of the address of a request.
var forges = []struct {
	path *regexp.Regexp
	make func(r Request, token string) (Client, error)
}{
	{regexp.MustCompile(`^/([^/]+/[^/]+)/pull/(\d+)$`), newGitHub},
	{regexp.MustCompile(`^/([^/]+/[^/]+)/pulls/(\d+)$`), newGitea},
	{regexp.MustCompile(`^/(.+)/-/merge_requests/(\d+)$`), newGitLab},
}

// Parse reads the address of a request, as a browser shows it:
//
//	https://github.com/OWNER/REPOSITORY/pull/N               GitHub
//	https://HOST/OWNER/REPOSITORY/pulls/N                    Gitea, Forgejo
//	https://HOST/GROUP/…/PROJECT/-/merge_requests/N          GitLab
//
// http is accepted for loopback addresses only.
func Parse(address string) (Request, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil {
		return Request{}, fmt.Errorf("%q is not the address of a request", address)
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())) {
		return Request{}, fmt.Errorf("cannot use %s: the token would be sent in the clear; use https", address)
	}
	for _, f := range forges {
		if m := f.path.FindStringSubmatch(strings.TrimRight(u.Path, "/")); m != nil {
			n, err := strconv.ParseInt(m[2], 10, 64)
			return Request{Base: u.Scheme + "://" + u.Host, Project: m[1], Number: n, make: f.make}, err
		}
	}
	return Request{}, fmt.Errorf("%s is not the address of a request: want …/pull/N (GitHub), …/pulls/N (Gitea, Forgejo) or …/-/merge_requests/N (GitLab)", address)
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Open gives the client for a request.
func (r Request) Open(token string) (Client, error) {
	if strings.TrimSpace(token) == "" || strings.ContainsAny(token, "\r\n") {
		return nil, errors.New("the token is empty or has several lines")
	}
	return r.make(r, token)
}

// owner and repository of a project with two parts.
func (r Request) parts() (owner, repository string) {
	owner, repository, _ = strings.Cut(r.Project, "/")
	return owner, repository
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

var errPages = fmt.Errorf("cannot list the comments: there are more than %d pages", mostPages)

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

package forge

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// Kind is a sort of forge.
type Kind string

// The kinds. Forgejo speaks as Gitea does.
const (
	GitHub Kind = "github"
	Gitea  Kind = "gitea"
	GitLab Kind = "gitlab"
)

// Project is one repository of a forge, with its requests.
type Project struct {
	Kind Kind
	Base string // "https://git.mycompany.com"
	Path string // "ops/boston"; of GitLab it may have more parts
}

// Request is the address of one request to merge.
type Request struct {
	Project
	Number int64
}

// String is the address, as Parse reads it.
func (r Request) String() string {
	way := map[Kind]string{GitHub: "/pull/", Gitea: "/pulls/", GitLab: "/-/merge_requests/"}[r.Kind]
	return r.Base + "/" + r.Path + way + strconv.FormatInt(r.Number, 10)
}

// forges are told by the form of the address of a request.
var forges = []struct {
	kind Kind
	path *regexp.Regexp
}{
	{GitHub, regexp.MustCompile(`^/([^/]+/[^/]+)/pull/(\d+)$`)},
	{Gitea, regexp.MustCompile(`^/([^/]+/[^/]+)/pulls/(\d+)$`)},
	{GitLab, regexp.MustCompile(`^/(.+)/-/merge_requests/(\d+)$`)},
}

// Parse reads the address of a request, as a browser shows it:
//
//	https://github.com/OWNER/REPOSITORY/pull/N               GitHub
//	https://HOST/OWNER/REPOSITORY/pulls/N                    Gitea, Forgejo
//	https://HOST/GROUP/…/PROJECT/-/merge_requests/N          GitLab
//
// http is accepted for loopback addresses only.
func Parse(address string) (Request, error) {
	base, path, err := split(address, "request")
	if err != nil {
		return Request{}, err
	}
	for _, f := range forges {
		if m := f.path.FindStringSubmatch(path); m != nil {
			n, err := strconv.ParseInt(m[2], 10, 64)
			return Request{Project{f.kind, base, m[1]}, n}, err
		}
	}
	return Request{}, fmt.Errorf("%s is not the address of a request: want …/pull/N (GitHub), …/pulls/N (Gitea, Forgejo) or …/-/merge_requests/N (GitLab)", address)
}

// ParseProject reads the address of a project, as a browser shows it; the same rules hold as for Parse.
func ParseProject(kind Kind, address string) (Project, error) {
	base, path, err := split(address, "project")
	if err != nil {
		return Project{}, err
	}
	path = strings.Trim(path, "/")
	switch parts := strings.Count(path, "/") + 1; {
	case parts == 2, kind == GitLab && parts > 2:
		return Project{kind, base, path}, nil
	}
	return Project{}, fmt.Errorf("%s is not the address of a project: want https://HOST/OWNER/REPOSITORY", address)
}

func split(address, what string) (base, path string, err error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil {
		return "", "", fmt.Errorf("%q is not the address of a %s", address, what)
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())) {
		return "", "", fmt.Errorf("cannot use %s: the token would be sent in the clear; use https", address)
	}
	return u.Scheme + "://" + u.Host, strings.TrimRight(u.Path, "/"), nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Open gives the client for a project.
func (p Project) Open(token string) (Client, error) {
	if strings.TrimSpace(token) == "" || strings.ContainsAny(token, "\r\n") {
		return nil, errors.New("the token is empty or has several lines")
	}
	switch p.Kind {
	case GitHub:
		return newGitHub(p, token)
	case Gitea:
		return newGitea(p, token)
	case GitLab:
		return newGitLab(p, token)
	}
	return nil, fmt.Errorf("there is no forge %q; there are %s, %s and %s", p.Kind, GitHub, Gitea, GitLab)
}

// parts are owner and repository of a project with two parts.
func (p Project) parts() (owner, repository string) {
	owner, repository, _ = strings.Cut(p.Path, "/")
	return owner, repository
}

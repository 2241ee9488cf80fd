package forgetest

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// answer is the same for all dialects but for names: /api/v3 is GitHub's, /api/v1 Gitea's, /api/v4 GitLab's.
func (f *Forge) answer(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, "/api/v1"), "/api/v3"), "/api/v4")
	parts := strings.Split(strings.Trim(path, "/"), "/")
	last := parts[len(parts)-1]
	before := parts[max(len(parts)-2, 0)]
	switch {
	case strings.HasSuffix(path, "/git/matching-refs/heads/gh-readonly-queue/main/"):
		all := []any{}
		for _, commit := range f.queued {
			all = append(all, map[string]any{"ref": "refs/heads/gh-readonly-queue/main/pr-7-" + commit, "object": map[string]any{"type": "commit", "sha": commit}})
		}
		reply(w, all)
	case f.files(w, r, path):
	case path == "/user":
		reply(w, map[string]any{"id": 1, "login": f.caller(r), "username": f.caller(r)})
	case path == "/users":
		f.who(w, r.URL.Query().Get("username"))
	case last == "permission":
		f.permission(w, before)
	case before == "all":
		f.member(w, last)
	case last == "comments" || last == "notes":
		f.talk(w, r, before)
	case last == "reactions" || last == "award_emoji":
		f.sign(w, r, before)
	case before == "comments" || before == "notes":
		f.edit(w, last, body(r)["body"])
	case before == "statuses":
		f.status(w, r, last)
	case last == "pulls" || last == "merge_requests":
		f.requests(w, r)
	case before == "pulls" || before == "merge_requests":
		f.request(w, r, last)
	default:
		refuse(w, http.StatusNotFound)
	}
}

// who is how GitLab finds an account; its number is its place among those who may push, from 100.
func (f *Forge) who(w http.ResponseWriter, account string) {
	reply(w, []any{map[string]any{"id": 100 + slices.Index(f.writers, account), "username": account}})
}

func (f *Forge) permission(w http.ResponseWriter, account string) {
	word := "read"
	if slices.Contains(f.writers, account) {
		word = "write"
	}
	reply(w, map[string]any{"permission": word})
}

func (f *Forge) member(w http.ResponseWriter, id string) {
	if n, err := strconv.Atoi(id); err != nil || n < 100 || n-100 >= len(f.writers) {
		refuse(w, http.StatusNotFound)
		return
	}
	reply(w, map[string]any{"access_level": 30, "state": "active"})
}

func (f *Forge) talk(w http.ResponseWriter, r *http.Request, request string) {
	number, _ := strconv.ParseInt(request, 10, 64)
	if r.Method == http.MethodPost {
		made := f.comment(number, f.caller(r), body(r)["body"])
		w.WriteHeader(http.StatusCreated)
		reply(w, shape(made))
		return
	}
	var all []any
	for _, c := range f.comments {
		if c.Number == number {
			all = append(all, shape(c))
		}
	}
	f.list(w, r, all)
}

func (f *Forge) edit(w http.ResponseWriter, id, text string) {
	for i := range f.comments {
		if strconv.FormatInt(f.comments[i].ID, 10) == id {
			f.comments[i].Body = text
			reply(w, shape(f.comments[i]))
			return
		}
	}
	refuse(w, http.StatusNotFound)
}

func (f *Forge) sign(w http.ResponseWriter, r *http.Request, id string) {
	in := body(r)
	for i := range f.comments {
		if strconv.FormatInt(f.comments[i].ID, 10) == id {
			f.comments[i].Signs = append(f.comments[i].Signs, in["content"]+in["name"])
			w.WriteHeader(http.StatusCreated)
			reply(w, map[string]any{"id": 1, "content": in["content"]})
			return
		}
	}
	refuse(w, http.StatusNotFound)
}

func (f *Forge) status(w http.ResponseWriter, r *http.Request, commit string) {
	status := body(r)
	status["commit"] = commit
	f.statuses = append(f.statuses, status)
	w.WriteHeader(http.StatusCreated)
	reply(w, map[string]any{"id": 1})
}

func (f *Forge) requests(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost {
		in := body(r)
		p := Pull{
			Number: f.last() + 1, From: in["head"] + in["source_branch"], Branch: in["base"] + in["target_branch"],
			Title: in["title"], Body: in["body"] + in["description"], Author: f.caller(r),
		}
		p.Head = f.tip(p.From)
		f.pulls = append(f.pulls, p)
		w.WriteHeader(http.StatusCreated)
		reply(w, pull(p, gitlab(r)))
		return
	}
	query := r.URL.Query()
	_, head, _ := strings.Cut(query.Get("head"), ":")
	from, every := head+query.Get("source_branch"), query.Get("state") == "all" || query.Get("state") == ""
	var all []any
	for _, p := range slices.Backward(f.pulls) {
		if (every || !p.Closed) && (from == "" || p.From == from) {
			all = append(all, pull(p, gitlab(r)))
		}
	}
	f.list(w, r, all)
}

// last is the number of the newest request.
func (f *Forge) last() (number int64) {
	for _, p := range f.pulls {
		number = max(number, p.Number)
	}
	return number
}

// tip is the newest commit of a branch.
func (f *Forge) tip(branch string) string {
	commit, _ := f.git("", nil, "rev-parse", "refs/heads/"+branch) // "" = there is no such branch
	return commit
}

func (f *Forge) request(w http.ResponseWriter, r *http.Request, number string) {
	for i, p := range f.pulls {
		if strconv.FormatInt(p.Number, 10) == number && r.Method != http.MethodGet {
			in := body(r)
			p.Closed = p.Closed || in["state"] == "closed" || in["state_event"] == "close"
			f.pulls[i] = p
		}
		if strconv.FormatInt(p.Number, 10) == number {
			reply(w, pull(p, gitlab(r)))
			return
		}
	}
	refuse(w, http.StatusNotFound)
}

func gitlab(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/api/v4") }

// list gives one page.
func (f *Forge) list(w http.ResponseWriter, r *http.Request, all []any) {
	number := func(names ...string) int {
		for _, name := range names {
			if n, err := strconv.Atoi(r.URL.Query().Get(name)); err == nil {
				return n
			}
		}
		return 0
	}
	size := cmp.Or(number("per_page", "limit"), 30)
	if f.Pages > 0 {
		size = min(size, f.Pages)
	}
	n := max(number("page"), 1)
	begin, end := min((n-1)*size, len(all)), min(n*size, len(all))
	if end < len(all) {
		next := *r.URL
		query := next.Query()
		query.Set("page", strconv.Itoa(n+1))
		next.RawQuery = query.Encode()
		w.Header().Set("Link", fmt.Sprintf(`<%s%s>; rel="next"`, f.URL, next.String()))
		w.Header().Set("X-Next-Page", strconv.Itoa(n+1))
	}
	reply(w, append([]any{}, all[begin:end]...))
}

func shape(c Comment) map[string]any {
	who := map[string]any{"id": 1, "login": c.Author, "username": c.Author}
	return map[string]any{"id": c.ID, "body": c.Body, "user": who, "author": who}
}

// pull is a request in the words of all dialects, but for its state, which GitLab calls by other words.
func pull(p Pull, lab bool) map[string]any {
	const project, fork = 1, 2
	from, state := project, map[bool]string{false: "open", true: "opened"}[lab]
	if p.Fork {
		from = fork
	}
	out := map[string]any{
		"number": p.Number, "iid": p.Number, "sha": p.Head, "target_branch": p.Branch, "source_project_id": from, "target_project_id": project,
		"user": map[string]any{"login": p.Author, "username": p.Author}, "author": map[string]any{"username": p.Author},
		"source_branch": p.From,
		"head":          map[string]any{"sha": p.Head, "ref": p.From, "repo_id": from, "repo": map[string]any{"id": from}},
		"base":          map[string]any{"ref": p.Branch, "repo_id": project, "repo": map[string]any{"id": project}},
	}
	if p.Closed {
		state = "closed"
	}
	if p.Merged != "" {
		out["merged"], out["merged_at"], out["merge_commit_sha"] = true, "2026-11-22T12:00:00Z", p.Merged
		if lab {
			state = "merged"
		}
	}
	out["state"] = state
	return out
}

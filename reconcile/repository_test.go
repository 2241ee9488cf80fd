package reconcile_test

import (
	"context"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"testing/fstest"

	"plumbline/sources"
)

// repository is a source in memory.
type repository struct {
	mu      sync.Mutex
	commits []string // the branch, oldest first
	parents map[string]string
	trees   map[string]fs.FS
	wrong   error
	changed func()
}

func newRepository() *repository {
	return &repository{parents: map[string]string{}, trees: map[string]fs.FS{}, changed: func() {}}
}

// push puts a commit on the branch. Its ID is 40 characters that begin with its name.
func (r *repository) push(name, body string) string {
	text := "package boston\n\nimport \"plumbline.internal/schema\"\n\nschema.#Topology & {\n" + body + "\n}\n"
	id := name + strings.Repeat("0", 40-len(name))
	r.mu.Lock()
	if n := len(r.commits); n > 0 {
		r.parents[id] = r.commits[n-1]
	}
	r.commits = append(r.commits, id)
	r.trees[id] = fstest.MapFS{"site.cue": {Data: []byte(text)}}
	changed := r.changed
	r.mu.Unlock()
	changed()
	return id
}

// rewrite makes the branch forget its newest n commits.
func (r *repository) rewrite(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.commits = r.commits[:len(r.commits)-n]
}

// lose makes every look at the head fail, until nil is given.
func (r *repository) lose(err error) {
	r.mu.Lock()
	r.wrong = err
	changed := r.changed
	r.mu.Unlock()
	changed()
}

func (r *repository) Head(context.Context) (sources.Commit, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.wrong != nil {
		return sources.Commit{}, r.wrong
	}
	if len(r.commits) == 0 {
		return sources.Commit{}, sources.ErrGone
	}
	return sources.Commit{ID: r.commits[len(r.commits)-1]}, nil
}

func (r *repository) Tree(_ context.Context, id string) (fs.FS, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.trees[id] == nil {
		return nil, fmt.Errorf("%w: %s", sources.ErrNoCommit, id)
	}
	return r.trees[id], nil
}

func (r *repository) Watch(ctx context.Context, changed func()) error {
	r.mu.Lock()
	r.changed = changed
	r.mu.Unlock()
	changed()
	<-ctx.Done()
	return context.Cause(ctx)
}

func (r *repository) Descends(_ context.Context, id, base string) (bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for ; id != ""; id = r.parents[id] {
		if id == base {
			return true, nil
		}
	}
	return false, nil
}

func (r *repository) Log(_ context.Context, id string, n int) (log []sources.Commit, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for ; id != "" && len(log) < n; id = r.parents[id] {
		log = append(log, sources.Commit{ID: id})
	}
	return log, nil
}

func (r *repository) Changed(context.Context, string, string) ([]string, error) { return nil, nil }

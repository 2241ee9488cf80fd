// Package git is the source that reads a Git repository: a local one, bare or
// not, directly; an https or ssh remote through a bare mirror of its own. It reads
// with go-git alone, needs no git program, makes no checkout, runs no hook and
// follows nothing that the repository's configuration says.
//
//	local    open at each call → objects          events of refs + polling
//	remote   list refs → fetch → mirror → objects polling of the list of refs
//
// It does not judge what it finds: whether a head descends from the commit applied
// last, and what follows if not, is the caller's decision (Descends).
package git

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/rs/zerolog"

	"plumbline/sources"
	"plumbline/sources/internal/watch"
)

// Config says which branch of which repository to read, and how.
type Config struct {
	// URL is a path, file://, https://, ssh:// or user@host:path. http:// is
	// accepted for loopback addresses only. It holds no password.
	URL string
	// Branch is the short name of the watched branch. Default "main".
	Branch string
	// Path is the directory of the topology in the repository. Default: its root.
	Path string
	// CacheDir is where the mirror of a remote lives; needed for remotes only.
	CacheDir string
	// Interval is the time between two polls, Jitter the most that is added by
	// chance. Defaults: 10 s for a local repository, 60 s for a remote; Interval/10.
	Interval, Jitter time.Duration
	// NoEvents turns file system events off: polling only.
	NoEvents bool
	// Intake bounds what a remote may send, and for how long.
	Intake sources.Intake
	// Auth is how to be let in by a remote.
	Auth Auth
	// Limits bound what is read of one commit.
	Limits sources.Limits
	// Log gets warnings of Watch. The zero value is silent.
	Log zerolog.Logger
}

// Source is a branch of a Git repository.
type Source struct {
	config Config
	branch plumbing.ReferenceName
	// local is the path of the repository that is read: the watched one, or the mirror.
	local  string
	remote *remote // nil for a local repository
}

var _ sources.Source = (*Source)(nil)

// Open checks the configuration. It does not look at the repository, which may
// come later.
func Open(c Config) (*Source, error) {
	if c.Branch == "" {
		c.Branch = "main"
	}
	branch := plumbing.NewBranchReferenceName(c.Branch)
	if err := branch.Validate(); err != nil {
		return nil, fmt.Errorf("cannot watch branch %q: %w", c.Branch, err)
	}
	c.Path = path.Clean(strings.Trim(c.Path, "/"))
	if !fs.ValidPath(c.Path) {
		return nil, fmt.Errorf("cannot watch path %q: it leads out of the repository", c.Path)
	}
	c.Intake = c.Intake.OrDefault()
	where, err := locate(c.URL)
	if err != nil {
		return nil, fmt.Errorf("cannot watch repository: %w", err)
	}
	s := &Source{config: c, branch: branch, local: where.path}
	if where.endpoint != nil {
		if s.remote, err = newRemote(c, where.endpoint, branch); err != nil {
			return nil, fmt.Errorf("cannot watch repository %s: %w", c.URL, err)
		}
		s.local = s.remote.mirror
	}
	s.setIntervals()
	return s, nil
}

func (s *Source) setIntervals() {
	c := &s.config
	if c.Interval == 0 {
		c.Interval = 10 * time.Second
		if s.remote != nil {
			c.Interval = time.Minute
		}
	}
	if c.Jitter == 0 {
		c.Jitter = c.Interval / 10
	}
}

// Head implements sources.Source. A remote is asked and, when its branch moved, fetched.
func (s *Source) Head(ctx context.Context) (sources.Commit, error) {
	if s.remote != nil {
		if err := s.remote.fetch(ctx); err != nil {
			return sources.Commit{}, fmt.Errorf("cannot read head: %w", err)
		}
	}
	tip, st, err := s.tip()
	if err != nil {
		return sources.Commit{}, fmt.Errorf("cannot read head: %w", err)
	}
	commit, err := st.commit(tip)
	if err != nil {
		return sources.Commit{}, fmt.Errorf("cannot read head: %w", err)
	}
	return convert(commit), nil
}

// Watch implements sources.Source.
func (s *Source) Watch(ctx context.Context, changed func()) error {
	c := watch.Config{
		State:    s.state,
		Interval: s.config.Interval,
		Jitter:   s.config.Jitter,
		Log:      s.config.Log,
	}
	if s.remote == nil && !s.config.NoEvents {
		c.Dirs, c.Matters = s.watched, s.matters
	}
	return watch.Run(ctx, c, changed)
}

// state is the head, or why there is none: for Watch to compare.
func (s *Source) state(ctx context.Context) string {
	var tip plumbing.Hash
	var err error
	if s.remote != nil {
		tip, err = s.remote.tip(ctx)
	} else {
		tip, _, err = s.tip()
	}
	switch {
	case err == nil:
		return tip.String()
	case errors.Is(err, sources.ErrUnreachable):
		return sources.ErrUnreachable.Error() // causes vary from poll to poll
	}
	return err.Error()
}

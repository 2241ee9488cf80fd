// Package dir is the source that reads a plain directory: for trying things out
// and for topologies that another program writes. Its commits are snapshots
// held in memory: the ID is a hash of the content, and a tree stays what it was while
// the directory goes on changing.
//
// It sees *.cue files and everything in cue.mod directories; other files, and names
// that begin with a dot, are not part of the topology. There is no history: the
// log has one entry, and every commit descends from every other.
package dir

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"plumbline/sources"
	"plumbline/sources/internal/treefs"
	"plumbline/sources/internal/watch"
)

// Config says which directory to read, and how.
type Config struct {
	// Path is the directory of the topology.
	Path string
	// Interval is the time between two polls, Jitter the most that is added by
	// chance. Defaults: 10 s, Interval/10.
	Interval, Jitter time.Duration
	// NoEvents turns file system events off: polling only.
	NoEvents bool
	// Limits bound what is read.
	Limits sources.Limits
	// Log gets warnings of Watch. The zero value is silent.
	Log zerolog.Logger
}

// kept is how many snapshots stay in memory: the head, what is being planned,
// what was applied, and a few more.
const kept = 8

// Source is a directory.
type Source struct {
	config Config
	path   string

	mu   sync.Mutex
	last []*snapshot // newest last, at most kept
}

var _ sources.Source = (*Source)(nil)

// Open checks the configuration. The directory may come later.
func Open(c Config) (*Source, error) {
	if c.Path == "" {
		return nil, errors.New("cannot watch directory: no path is given")
	}
	path, err := filepath.Abs(c.Path)
	if err != nil {
		return nil, fmt.Errorf("cannot watch directory %s: %w", c.Path, err)
	}
	if c.Interval == 0 {
		c.Interval = 10 * time.Second
	}
	if c.Jitter == 0 {
		c.Jitter = c.Interval / 10
	}
	c.Limits = c.Limits.OrDefault()
	return &Source{config: c, path: path}, nil
}

// Head implements sources.Source: it takes a snapshot.
func (s *Source) Head(ctx context.Context) (sources.Commit, error) {
	snap, err := take(ctx, s.path, s.config.Limits)
	if err != nil {
		return sources.Commit{}, fmt.Errorf("cannot read directory %s: %w", s.path, err)
	}
	return s.keep(snap).commit, nil
}

// keep makes snap the newest, or the one of equal content that is there.
func (s *Source) keep(snap *snapshot) *snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, old := range s.last {
		if old.commit.ID == snap.commit.ID {
			s.last = append(append(s.last[:i:i], s.last[i+1:]...), old)
			return old
		}
	}
	s.last = append(s.last, snap)
	if len(s.last) > kept {
		s.last = s.last[len(s.last)-kept:]
	}
	return snap
}

func (s *Source) find(id string) (*snapshot, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, snap := range s.last {
		if snap.commit.ID == id {
			return snap, nil
		}
	}
	return nil, fmt.Errorf("%w: %q is none of the last %d snapshots of %s", sources.ErrNoCommit, id, kept, s.path)
}

// Tree implements sources.Source.
func (s *Source) Tree(_ context.Context, id string) (fs.FS, error) {
	t, err := s.tree(id)
	if err != nil {
		return nil, fmt.Errorf("cannot read tree: %w", err)
	}
	return t, nil
}

func (s *Source) tree(id string) (*treefs.FS, error) {
	snap, err := s.find(id)
	if err != nil {
		return nil, err
	}
	return treefs.New(snap, ".", snap.commit.Time, s.config.Limits), nil
}

// Descends implements sources.Source: a directory has no history to rewrite.
func (s *Source) Descends(context.Context, string, string) (bool, error) { return true, nil }

// Log implements sources.Source.
func (s *Source) Log(_ context.Context, id string, n int) ([]sources.Commit, error) {
	snap, err := s.find(id)
	if err != nil {
		return nil, fmt.Errorf("cannot read history: %w", err)
	}
	if n <= 0 {
		return nil, nil
	}
	return []sources.Commit{snap.commit}, nil
}

// Changed implements sources.Source.
func (s *Source) Changed(ctx context.Context, from, to string) ([]string, error) {
	var a *treefs.FS
	b, err := s.tree(to)
	if err == nil && from != "" {
		a, err = s.tree(from)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot compare: %w", err)
	}
	return treefs.Changed(ctx, a, b)
}

// Watch implements sources.Source.
func (s *Source) Watch(ctx context.Context, changed func()) error {
	c := watch.Config{
		State:    s.state,
		Interval: s.config.Interval,
		Jitter:   s.config.Jitter,
		Log:      s.config.Log,
	}
	if !s.config.NoEvents {
		c.Dirs, c.Matters = s.watched, s.matters
	}
	return watch.Run(ctx, c, changed)
}

// state is the content's hash, or why there is none; it keeps no snapshot.
func (s *Source) state(ctx context.Context) string {
	snap, err := take(ctx, s.path, s.config.Limits)
	if err != nil {
		return err.Error()
	}
	return snap.commit.ID
}

// watched lists the directory, all below it, and the one above, which sees it
// moved away and come back.
func (s *Source) watched() []string {
	list := []string{filepath.Dir(s.path)}
	filepath.WalkDir(s.path, func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return nil // polling looks again
		case !d.IsDir():
			return nil
		case p != s.path && hidden(d.Name()):
			return filepath.SkipDir
		case len(list) > s.config.Limits.Entries:
			return filepath.SkipAll
		}
		list = append(list, p)
		return nil
	})
	return list
}

// matters drops the events beside the directory and those of editors' files.
func (s *Source) matters(path string) bool {
	if path == s.path {
		return true
	}
	return strings.HasPrefix(path, s.path+string(filepath.Separator)) && !hidden(filepath.Base(path))
}

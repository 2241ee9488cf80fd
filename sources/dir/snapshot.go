package dir

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"plumbline/sources"
	"plumbline/sources/internal/treefs"
)

// snapshot is the content of a directory at one moment, and the treefs.Store of it.
type snapshot struct {
	commit sources.Commit
	files  map[string][]byte         // by path
	dirs   map[string][]treefs.Entry // by path; a reference is kind, hash and path
}

var errMoving = errors.New("it changes while it is read")

// take reads the directory until it stood still while it was read, so that a
// half-written set of files is seldom taken for a commit.
func take(ctx context.Context, dir string, limits sources.Limits) (*snapshot, error) {
	const tries = 5
	var err error
	for range tries {
		var snap *snapshot
		if snap, err = once(ctx, dir, limits); !errors.Is(err, errMoving) {
			return snap, classify(dir, err)
		}
	}
	return nil, classify(dir, err)
}

// classify tells a directory that is not there from one that cannot be read.
func classify(dir string, err error) error {
	var gone *rootError
	switch {
	case errors.As(err, &gone) && errors.Is(err, fs.ErrNotExist):
		return &sources.GoneError{Repository: dir}
	case err == nil, errors.Is(err, sources.ErrLimit), errors.Is(err, sources.ErrName), errors.Is(err, sources.ErrIrregular):
		return err
	}
	return fmt.Errorf("%w: %w", sources.ErrUnreachable, err)
}

// rootError is a failure to open the directory itself.
type rootError struct{ error }

func (e *rootError) Unwrap() error { return e.error }

func once(ctx context.Context, dir string, limits sources.Limits) (*snapshot, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, &rootError{err}
	}
	defer root.Close()
	r := reader{ctx: ctx, root: root, limits: limits, snap: &snapshot{files: map[string][]byte{}, dirs: map[string][]treefs.Entry{}}}
	if _, err := r.dir(".", 0, false); err != nil {
		return nil, err
	}
	for name, before := range r.stamps {
		now, err := root.Stat(name)
		if err != nil || now.Size() != before.size || !now.ModTime().Equal(before.time) {
			return nil, fmt.Errorf("%s: %w", name, errMoving)
		}
	}
	r.snap.seal(dir, r.newest)
	return r.snap, nil
}

// seal computes the ID: SHA-256 over the sorted lines "hash  path".
func (s *snapshot) seal(dir string, newest time.Time) {
	var names []string
	for name := range s.files {
		names = append(names, name)
	}
	slices.Sort(names)
	all := sha256.New()
	for _, name := range names {
		fmt.Fprintf(all, "%x  %q\n", sha256.Sum256(s.files[name]), name)
	}
	sum := hex.EncodeToString(all.Sum(nil))
	s.commit = sources.Commit{ID: "dir:" + sum, Tree: sum, Subject: "directory " + dir, Time: newest}
}

// reader fills a snapshot. Everything is opened through os.Root: a link cannot lead out.
type reader struct {
	ctx     context.Context
	root    *os.Root
	limits  sources.Limits
	snap    *snapshot
	stamps  map[string]stamp
	newest  time.Time
	entries int
}

type stamp struct {
	size int64
	time time.Time
}

// dir reads a directory; module is true in cue.mod, where all files count. It
// returns the hash of what it took, "" if that is nothing.
func (r *reader) dir(name string, depth int, module bool) (string, error) {
	if err := r.ctx.Err(); err != nil {
		return "", err
	}
	if depth > r.limits.Depth {
		return "", &sources.LimitError{Path: name, What: "levels", Have: int64(depth), Most: int64(r.limits.Depth)}
	}
	list, err := fs.ReadDir(r.root.FS(), name)
	if err != nil {
		return "", moved(err)
	}
	if r.entries += len(list); r.entries > r.limits.Entries {
		return "", &sources.LimitError{Path: name, What: "entries", Have: int64(r.entries), Most: int64(r.limits.Entries)}
	}
	hash := sha256.New()
	var entries []treefs.Entry
	for _, d := range list {
		e, err := r.entry(path.Join(name, d.Name()), d, depth, module)
		if err != nil {
			return "", err
		}
		if e.Ref != "" {
			entries = append(entries, e)
			fmt.Fprintf(hash, "%s %q\n", e.Ref, e.Name)
		}
	}
	if len(entries) == 0 && name != "." {
		return "", nil
	}
	r.snap.dirs[name] = entries
	return hex.EncodeToString(hash.Sum(nil)), nil
}

// entry reads one name. Its Ref is empty if it does not belong to the topology.
func (r *reader) entry(name string, d fs.DirEntry, depth int, module bool) (treefs.Entry, error) {
	none := treefs.Entry{}
	wanted := module || strings.HasSuffix(name, ".cue") || path.Dir(name) == "secrets" && strings.HasSuffix(name, ".age")
	switch {
	case hidden(d.Name()):
		return none, nil
	case d.IsDir():
		hash, err := r.dir(name, depth+1, module || d.Name() == "cue.mod")
		if err != nil || hash == "" {
			return none, err
		}
		return treefs.Entry{Name: d.Name(), Mode: fs.ModeDir | 0o555, Ref: "d" + hash + name}, nil
	case !wanted && d.Type()&fs.ModeSymlink == 0:
		return none, nil
	}
	info, err := r.root.Stat(name) // follows links, within the directory only
	switch {
	case err != nil && d.Type()&fs.ModeSymlink != 0:
		return none, fmt.Errorf("%w: %s is a symbolic link that leads nowhere or out of the directory: %w", sources.ErrIrregular, name, err)
	case err != nil:
		return none, moved(err)
	case !wanted && !info.IsDir():
		return none, nil // a link to a file that does not count
	}
	if !info.Mode().IsRegular() {
		return none, fmt.Errorf("%w: %s is or leads to no regular file (%s)", sources.ErrIrregular, name, info.Mode().Type())
	}
	data, err := r.file(name, info)
	if err != nil {
		return none, err
	}
	return treefs.Entry{Name: d.Name(), Mode: 0o444, Ref: fmt.Sprintf("f%x%s", sha256.Sum256(data), name)}, nil
}

func (r *reader) file(name string, info fs.FileInfo) ([]byte, error) {
	f, err := r.root.Open(name)
	if err != nil {
		return nil, moved(err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, r.limits.FileBytes+1))
	if err != nil {
		return nil, err
	}
	if n := int64(len(data)); n > r.limits.FileBytes {
		return nil, &sources.LimitError{Path: name, What: "bytes", Have: max(n, info.Size()), Most: r.limits.FileBytes}
	}
	if r.stamps == nil {
		r.stamps = map[string]stamp{}
	}
	r.stamps[name] = stamp{info.Size(), info.ModTime()}
	if info.ModTime().After(r.newest) {
		r.newest = info.ModTime()
	}
	r.snap.files[name] = data
	return data, nil
}

// moved: what was listed a moment ago and is no more means that the directory changes.
func moved(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %w", errMoving, err)
	}
	return err
}

// hidden names are editors' and tools': .git, .#x.cue, .x.cue.swp.
func hidden(name string) bool { return strings.HasPrefix(name, ".") }

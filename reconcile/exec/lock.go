package exec

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// lockPoll is how often a taken lock is tried again.
const lockPoll = 20 * time.Millisecond

// locks are named locks of a host, held against every process and every goroutine on it and freed by the kernel when the
// holder dies. All names share one file: a lock is one byte of it, or a region of many (open file description locks,
// fcntl(2)).
type locks struct{ path string }

// lockName is a name within a region.
type lockName struct{ region, name string }

// held is a lock that is held.
type held struct {
	file *os.File
	span unix.Flock_t
}

// regionBits is how many bytes a region has, as a power of two: two names of a region share a byte once in a lifetime, and
// then only wait for each other.
const regionBits = 32

func newLocks(stateDir string) locks { return locks{path: filepath.Join(stateDir, "locks")} }

// take waits for the lock until the context ends.
func (l locks) take(ctx context.Context, name lockName) (*held, error) {
	return l.wait(ctx, name.name, name.span())
}

// takeRegion waits for all locks of a region at once.
func (l locks) takeRegion(ctx context.Context, region string) (*held, error) {
	return l.wait(ctx, region, unix.Flock_t{Start: regionStart(region), Len: 1 << regionBits})
}

func (l locks) wait(ctx context.Context, name string, span unix.Flock_t) (*held, error) {
	for {
		lock, err := l.try(name, span)
		if lock != nil || err != nil {
			return lock, err
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("cannot lock %s: another operation still runs: %w", name, context.Cause(ctx))
		case <-time.After(lockPoll):
		}
	}
}

// tryOne takes the lock if it is free; nil without an error if it is not.
func (l locks) tryOne(name lockName) (*held, error) { return l.try(name.name, name.span()) }

func (l locks) try(name string, span unix.Flock_t) (*held, error) {
	file, err := l.open()
	if err != nil {
		return nil, fmt.Errorf("cannot lock %s: %w", name, err)
	}
	lock := &held{file, span}
	switch err := lock.set(unix.F_WRLCK); err {
	case nil:
		return lock, nil
	case unix.EAGAIN, unix.EACCES:
		file.Close()
		return nil, nil
	default:
		file.Close()
		return nil, fmt.Errorf("cannot lock %s: %w", name, err)
	}
}

func (l locks) open() (*os.File, error) {
	file, err := os.OpenFile(l.path, os.O_RDWR|os.O_CREATE, 0o600)
	if !errors.Is(err, os.ErrNotExist) {
		return file, err
	}
	if err := os.MkdirAll(filepath.Dir(l.path), 0o700); err != nil {
		return nil, err
	}
	return os.OpenFile(l.path, os.O_RDWR|os.O_CREATE, 0o600)
}

// free gives the lock back. A child that was just forked may still share the file, so closing alone would not do.
func (h *held) free() {
	_ = h.set(unix.F_UNLCK)
	h.file.Close()
}

func (h *held) set(kind int16) error {
	span := h.span
	span.Type = kind
	return unix.FcntlFlock(h.file.Fd(), unix.F_OFD_SETLK, &span)
}

// recordsLock is held by who reads records of the confirm directory in order to write them.
var recordsLock = lockName{"records", "confirm"}

func watchLock(file string) lockName { return lockName{"watch", file} }

func (n lockName) span() unix.Flock_t {
	return unix.Flock_t{Start: regionStart(n.region) + int64(hashOf(n.name)), Len: 1}
}

// regionStart is far from the largest offset.
func regionStart(region string) int64 { return int64(hashOf(region)>>2) << regionBits }

func hashOf(name string) uint32 {
	hash := fnv.New32a()
	hash.Write([]byte(name))
	return hash.Sum32()
}

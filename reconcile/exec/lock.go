package exec

import (
	"context"
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
// holder dies. All names share one file: a lock is one byte of it (open file description locks, fcntl(2)).
type locks struct{ path string }

// held is a lock that is held.
type held struct {
	file *os.File
	at   int64
}

func newLocks(stateDir string) locks { return locks{path: filepath.Join(stateDir, "locks")} }

// try takes the lock if it is free; nil without an error if it is not.
func (l locks) try(name string) (*held, error) {
	if err := os.MkdirAll(filepath.Dir(l.path), 0o700); err != nil {
		return nil, fmt.Errorf("cannot lock %s: %w", name, err)
	}
	file, err := os.OpenFile(l.path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("cannot lock %s: %w", name, err)
	}
	lock := &held{file: file, at: lockByte(name)}
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

// take waits for the lock until the context ends.
func (l locks) take(ctx context.Context, name string) (*held, error) {
	for {
		lock, err := l.try(name)
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

// free gives the lock back. A child that was just forked may still share the file, so closing alone would not do.
func (h *held) free() {
	_ = h.set(unix.F_UNLCK)
	h.file.Close()
}

func (h *held) set(kind int16) error {
	return unix.FcntlFlock(h.file.Fd(), unix.F_OFD_SETLK, &unix.Flock_t{Type: kind, Start: h.at, Len: 1})
}

func lockByte(name string) int64 {
	hash := fnv.New64a()
	hash.Write([]byte(name))
	return int64(hash.Sum64() >> 2) // far from the largest offset
}

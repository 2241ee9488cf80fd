package exec

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// lockPoll is how often a taken lock is tried again.
const lockPoll = 20 * time.Millisecond

// locks are named locks of a host, held against every process and every goroutine on it and freed by the kernel when the
// holder dies. All names share one file: a lock is one byte of it (open file description locks, fcntl(2)).
type locks struct{ path string }

// held is one or more locks that are held.
type held struct {
	file *os.File
	at   []int64
}

func newLocks(stateDir string) locks { return locks{path: filepath.Join(stateDir, "locks")} }

// take waits for the locks of all names until the context ends. Everybody takes them in the same order, so that nobody
// waits for one who waits for him.
func (l locks) take(ctx context.Context, names ...string) (*held, error) {
	lock, err := l.open(names[0])
	if err != nil {
		return nil, err
	}
	at := make([]int64, len(names))
	for n, name := range names {
		at[n] = lockByte(name)
	}
	slices.Sort(at)
	for _, one := range slices.Compact(at) {
		if err := lock.wait(ctx, one); err != nil {
			lock.free()
			return nil, fmt.Errorf("cannot lock %s: %w", names[0], err)
		}
	}
	return lock, nil
}

// try takes the lock if it is free; nil without an error if it is not.
func (l locks) try(name string) (*held, error) {
	lock, err := l.open(name)
	if err != nil {
		return nil, err
	}
	switch got, err := lock.add(lockByte(name)); {
	case err != nil:
		lock.free()
		return nil, fmt.Errorf("cannot lock %s: %w", name, err)
	case !got:
		lock.free()
		return nil, nil
	}
	return lock, nil
}

func (l locks) open(name string) (*held, error) {
	file, err := os.OpenFile(l.path, os.O_RDWR|os.O_CREATE, 0o600)
	if errors.Is(err, os.ErrNotExist) {
		if err = os.MkdirAll(filepath.Dir(l.path), 0o700); err == nil {
			file, err = os.OpenFile(l.path, os.O_RDWR|os.O_CREATE, 0o600)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("cannot lock %s: %w", name, err)
	}
	return &held{file: file}, nil
}

func (h *held) wait(ctx context.Context, at int64) error {
	for {
		got, err := h.add(at)
		if got || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("another operation still runs: %w", context.Cause(ctx))
		case <-time.After(lockPoll):
		}
	}
}

// add takes one more lock if it is free.
func (h *held) add(at int64) (bool, error) {
	switch err := h.set(unix.F_WRLCK, at); err {
	case nil:
		h.at = append(h.at, at)
		return true, nil
	case unix.EAGAIN, unix.EACCES:
		return false, nil
	default:
		return false, err
	}
}

// free gives the locks back. A child that was just forked may still share the file, so closing alone would not do.
func (h *held) free() {
	for _, at := range h.at {
		_ = h.set(unix.F_UNLCK, at)
	}
	h.file.Close()
}

func (h *held) set(kind int16, at int64) error {
	return unix.FcntlFlock(h.file.Fd(), unix.F_OFD_SETLK, &unix.Flock_t{Type: kind, Start: at, Len: 1})
}

func lockByte(name string) int64 {
	hash := fnv.New64a()
	hash.Write([]byte(name))
	return int64(hash.Sum64() >> 2) // far from the largest offset
}

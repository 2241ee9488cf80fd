// Package freeze stops processes of tests where they stand, and lets them go on.
package freeze

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// limit is how long a process may take to mind a signal.
const limit = 10 * time.Second

// Stop stops a process (SIGSTOP) and returns when each of its threads stands: the signal reaches them one by one, and
// one that still runs may answer what is asked next.
func Stop(pid int) error { return signal(pid, syscall.SIGSTOP, true) }

// Continue lets a process go on (SIGCONT) and returns when each of its threads does.
func Continue(pid int) error { return signal(pid, syscall.SIGCONT, false) }

// Stands tells whether every thread of a process stands.
func Stands(pid int) (bool, error) { return all(pid, true) }

func signal(pid int, sig syscall.Signal, stopped bool) error {
	if err := syscall.Kill(pid, sig); err != nil {
		return fmt.Errorf("cannot send %s to process %d: %w", sig, pid, err)
	}
	for deadline := time.Now().Add(limit); ; time.Sleep(time.Millisecond) {
		now, err := all(pid, stopped)
		if err != nil || now {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("process %d does not mind %s", pid, sig)
		}
	}
}

// all tells whether every thread of a process is stopped (state T, see proc_pid_stat(5)), or none is.
func all(pid int, stopped bool) (bool, error) {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	if err != nil {
		return false, err
	}
	if len(threads) == 0 {
		return false, fmt.Errorf("process %d is gone", pid)
	}
	for _, thread := range threads {
		data, err := os.ReadFile(thread)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
			return false, nil // it has just ended: look again
		}
		if err != nil {
			return false, err
		}
		// The name stands in brackets and may hold any character.
		state := strings.TrimSpace(string(data[strings.LastIndexByte(string(data), ')')+1:]))
		if strings.HasPrefix(state, "T") != stopped {
			return false, nil
		}
	}
	return true, nil
}

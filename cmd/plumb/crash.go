package main

import (
	"os"
	"strconv"
	"sync/atomic"
	"syscall"
)

// crashPoint makes this process end with kill -9 right after the n-th write to the journal, if PLUMB_CRASH_AT says n:
// tests show with it that what remains is taken up from every state that can be on the disk.
func crashPoint() func() {
	n, err := strconv.ParseInt(os.Getenv("PLUMB_CRASH_AT"), 10, 64)
	if err != nil || n <= 0 {
		return nil
	}
	var count atomic.Int64
	return func() {
		if count.Add(1) == n {
			syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {} // nothing more is done while the signal is on its way
		}
	}
}

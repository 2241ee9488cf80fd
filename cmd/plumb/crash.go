package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
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
			die()
		}
	}
}

// crashBoundary makes an executor end with kill -9 at boundaries of its verbs, if PLUMB_CRASH_EXEC names a directory. There
// the file "passed" gets a line for each boundary that is passed, and a file named as a boundary (with : for /) is
// removed and ends whoever passes it: so each kills one executor of all that share the directory, on any host. "during
// VERB SUBJECT" ends it so many milliseconds after the locks were taken as the file says.
func crashBoundary() func(string) {
	dir := os.Getenv("PLUMB_CRASH_EXEC")
	if dir == "" {
		return nil
	}
	take := func(boundary string) (text []byte, taken bool) {
		path := filepath.Join(dir, strings.ReplaceAll(boundary, "/", ":"))
		text, err := os.ReadFile(path)
		return text, err == nil && os.Remove(path) == nil
	}
	return func(boundary string) {
		if passed, err := os.OpenFile(filepath.Join(dir, "passed"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o666); err == nil {
			passed.WriteString(boundary + "\n")
			passed.Close()
		}
		if _, taken := take(boundary); taken {
			die()
		}
		if verb, locked := strings.CutPrefix(boundary, "locked "); locked {
			if text, taken := take("during " + verb); taken {
				ms, _ := strconv.Atoi(string(text))
				time.AfterFunc(time.Duration(ms)*time.Millisecond, die)
			}
		}
	}
}

func die() {
	syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {} // nothing more is done while the signal is on its way
}

//go:build unix

package schema

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// exitTime is how a worker says that an evaluation has used up its time on the processor: as a shell would say of
// SIGXCPU.
const exitTime = 128 + int(unix.SIGXCPU)

// set binds this process. RLIMIT_AS would be unfit: Go reserves far more address space than it uses.
func (l Limits) set() error {
	over := make(chan os.Signal, 1)
	signal.Notify(over, unix.SIGXCPU)
	go func() { <-over; os.Exit(exitTime) }()
	return setLimit(unix.RLIMIT_DATA, unix.Rlimit{Cur: l.Data, Max: l.Data})
}

// renew gives the next evaluation the whole time on the processor. RLIMIT_CPU counts from the start of the process, so
// it moves on; beyond its hard limit the kernel kills, whatever this process does. A worker is spent before an
// evaluation could meet that too early.
func (l Limits) renew() error {
	return setLimit(unix.RLIMIT_CPU, unix.Rlimit{Cur: uint64(used()/time.Second) + l.CPU, Max: 2*l.CPU + 1})
}

// spent tells whether this process had better not evaluate anything more.
func (l Limits) spent() bool {
	return used() > time.Duration(l.CPU)*time.Second || heap() > l.Data/4
}

// used is the processor time of this process.
func used() time.Duration {
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func setLimit(resource int, most unix.Rlimit) error {
	if err := unix.Setrlimit(resource, &most); err != nil {
		return fmt.Errorf("cannot limit the evaluation: %w", err)
	}
	return nil
}

// heavy tells whether a worker used half of its memory or more.
func heavy(state *os.ProcessState, limits Limits) bool {
	usage, ok := state.SysUsage().(*syscall.Rusage)
	return ok && uint64(usage.Maxrss)<<10 >= limits.Data/2 // in KiB: getrusage(2)
}

// outOfTime tells whether a worker ended because its time on the processor was over.
func outOfTime(state *os.ProcessState, limits Limits) bool {
	status, ok := state.Sys().(syscall.WaitStatus)
	used := state.UserTime() + state.SystemTime() + time.Second // the kernel counts in ticks, and kills in whole seconds
	return ok && (status.Exited() && status.ExitStatus() == exitTime ||
		status.Signaled() && (status.Signal() == unix.SIGXCPU || status.Signal() == unix.SIGKILL && used >= time.Duration(limits.CPU)*time.Second))
}

//go:build unix

package schema

import (
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// set binds this process. RLIMIT_AS would be unfit: Go reserves far more address space than it uses.
func (l Limits) set() error {
	for resource, most := range map[int]uint64{unix.RLIMIT_DATA: l.Data, unix.RLIMIT_CPU: l.CPU} {
		if err := unix.Setrlimit(resource, &unix.Rlimit{Cur: most, Max: most}); err != nil {
			return fmt.Errorf("cannot limit the evaluation: %w", err)
		}
	}
	return nil
}

// outOfTime tells whether a worker was ended by RLIMIT_CPU.
func outOfTime(state *os.ProcessState) bool {
	status, ok := state.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && (status.Signal() == unix.SIGXCPU || status.Signal() == unix.SIGKILL)
}

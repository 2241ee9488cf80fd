package meter

import (
	"errors"
	"fmt"
	"os/exec"
	"sync/atomic"
	"syscall"
	"time"
)

// Cost is what one run cost.
type Cost struct {
	Wall time.Duration `json:"wall"`
	CPU  time.Duration `json:"cpu"`  // user and system, with all children that ended
	Peak int64         `json:"peak"` // bytes; the most that the whole tree of processes held at a sample
}

// sampling is the pause between two looks at memory: what is held for less may be missed. Who the children are is looked at
// less often, for that costs more.
const (
	sampling  = 10 * time.Millisecond
	relatives = 5 // samples
)

// Peak watches the memory of a process and its children until stop, which gives the most that was held.
func Peak(pid int) (stop func() int64) {
	var most atomic.Int64
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(sampling)
		defer tick.Stop()
		var family []int
		for n := 0; ; n++ {
			if n%relatives == 0 {
				family = processes(pid)
			}
			most.Store(max(most.Load(), held(family).RSS))
			select {
			case <-end:
				return
			case <-tick.C:
			}
		}
	}()
	return func() int64 {
		close(end)
		<-ended
		return most.Load()
	}
}

// Run runs a command and tells what it and its children cost. An exit code other than 0 and those of allowed is an error
// with the end of what the command wrote, unless its output goes elsewhere.
func Run(cmd *exec.Cmd, allowed ...int) (Cost, error) {
	var said tail
	if cmd.Stderr == nil {
		cmd.Stderr = &said
	}
	begun := time.Now()
	if err := cmd.Start(); err != nil {
		return Cost{}, err
	}
	stop := Peak(cmd.Process.Pid)
	err := cmd.Wait()
	cost := Cost{Wall: time.Since(begun), Peak: stop(), CPU: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		for _, code := range allowed {
			if exit.ExitCode() == code {
				return cost, nil
			}
		}
	}
	if err != nil {
		err = fmt.Errorf("cannot run %v: %w\n%s", cmd.Args, err, said)
	}
	return cost, err
}

// tail keeps the last few kilobytes.
type tail []byte

const tailSize = 4 << 10

func (t *tail) Write(p []byte) (int, error) {
	*t = append(*t, p...)
	if len(*t) > tailSize {
		*t = append((*t)[:0], (*t)[len(*t)-tailSize:]...)
	}
	return len(p), nil
}

// Measure runs something in this process. Children that go on are not in CPU.
func Measure(run func() error) (Cost, error) {
	before, begun := cpu(), time.Now()
	err := run()
	return Cost{Wall: time.Since(begun), CPU: cpu() - before}, err
}

// cpu is what this process and those of its children that ended have used.
func cpu() time.Duration {
	var sum time.Duration
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var used syscall.Rusage
		if syscall.Getrusage(who, &used) == nil {
			sum += time.Duration(used.Utime.Nano() + used.Stime.Nano())
		}
	}
	return sum
}

package exec

import (
	"context"
	"errors"
	"fmt"
	"os"
	osexec "os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"plumbline/actuators"
)

const (
	watcherStart    = 10 * time.Second       // for a watcher to say that it is there
	watcherPoll     = 200 * time.Millisecond // how often it looks whether the steps were confirmed
	watcherPatience = 10 * time.Minute       // how long after the deadline it retries a failing undo
	watcherRetry    = 30 * time.Second       // longest pause between two tries
	killGrace       = 2 * time.Second        // for a Do to end by itself once the deadline has passed
	watcherReady    = "armed\n"
)

// hookWatcher is the watcher of a binary that calls Hook.
var hookWatcher []string

// startWatcher starts a process that outlives us and our connection, and waits until it watches.
func startWatcher(ctx context.Context, argv []string, file string) error {
	if len(argv) == 0 {
		argv = hookWatcher
	}
	if len(argv) == 0 {
		return errors.New("no watcher is configured")
	}
	out, in, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("cannot start a watcher: %w", err)
	}
	defer out.Close()
	cmd := osexec.Command(argv[0], append(argv[1:len(argv):len(argv)], file)...)
	cmd.Dir, cmd.Env = "/", minimalEnv()
	cmd.Stdout, cmd.Stderr = in, in
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	err = cmd.Start()
	in.Close()
	if err != nil {
		return fmt.Errorf("cannot start a watcher: %w", err)
	}
	go func() { _ = cmd.Wait() }() // it answers for itself in its record; we only reap it
	if deadline, ok := ctx.Deadline(); ok {
		_ = out.SetReadDeadline(deadline)
	}
	said := make([]byte, stderrShown)
	n, err := out.Read(said)
	if string(said[:n]) == watcherReady {
		return nil
	}
	_ = cmd.Process.Kill()
	return fmt.Errorf("cannot start a watcher: it said %q: %w", strings.TrimSpace(string(said[:n])), err)
}

// WatchConfirm is the watcher's process: it undoes the steps of a record (STATE/confirm/NAME.json) at their deadline, and
// ends as soon as the record is gone. It says on stdout when it watches, then leaves the terminal alone.
func WatchConfirm(ctx context.Context, reg *actuators.Registry, file string) error {
	surviveSignals()
	w, err := newWatch(reg, file)
	if err != nil {
		return err
	}
	if w != nil {
		defer w.close()
		w.claim()
	}
	fmt.Fprint(os.Stdout, watcherReady)
	if err := detachOutput(); err != nil || w == nil {
		return err
	}
	return w.run(ctx)
}

// Recover undoes what is overdue or was left by a reboot, here and now, and gives a new watcher to what still has time.
// For a boot hook; executors do the same by themselves when they start.
func Recover(ctx context.Context, reg *actuators.Registry, h actuators.Host, opts Options) error {
	files, err := listRecords(h.StateDir(), waitingSuffix)
	if err != nil {
		return err
	}
	var failed []error
	for _, file := range files {
		record, found, err := readRecord[waiting](h, file)
		switch {
		case err != nil:
			failed = append(failed, err)
		case !found || watched(newLocks(h.StateDir()), file):
		case record.overdue():
			w := &watch{reg: reg, host: h, locks: newLocks(h.StateDir()), file: file}
			failed = append(failed, w.revert(ctx))
		default:
			failed = append(failed, startWatcher(ctx, opts.Watcher, file))
		}
	}
	return errors.Join(failed...)
}

// watched tells whether a record's watcher is alive: it holds a lock as long as it lives.
func watched(l locks, file string) bool {
	lock, err := l.tryOne(watchLock(file))
	if lock != nil {
		lock.free()
	}
	return err == nil && lock == nil
}

// surviveSignals keeps the end of a pipe or a terminal from ending this process. Caught, not ignored: programs that we run
// inherit what is ignored.
func surviveSignals() { signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE, syscall.SIGHUP) }

// detachOutput lets go of the pipe to our starter.
func detachOutput() error {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer null.Close()
	for _, fd := range []int{1, 2} {
		if err := unix.Dup3(int(null.Fd()), fd, 0); err != nil {
			return fmt.Errorf("cannot detach: %w", err)
		}
	}
	return nil
}

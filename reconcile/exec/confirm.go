package exec

import (
	"context"
	"fmt"
	"os"
	"time"

	"plumbline/actuators"
)

// arm makes sure, before a step that wants a confirmation, that somebody undoes it: record on disk, watcher running. An
// earlier run of the same step is armed anew.
func (l *local) arm(ctx context.Context, c Call) error {
	file := waitingFile(l.host.StateDir(), c.Step)
	if err := l.writeWaiting(ctx, file, c); err != nil {
		return err
	}
	if err := startWatcher(ctx, l.opts.Watcher, file); err != nil {
		err = fmt.Errorf("cannot do %s: nobody would undo it: %w", c.Step, err)
		if removeErr := l.host.Remove(file); removeErr != nil {
			return fmt.Errorf("%w; %w", err, removeErr)
		}
		return err
	}
	return nil
}

func (l *local) writeWaiting(ctx context.Context, file string, c Call) error {
	lock, err := l.locks.take(ctx, stepLock(c.Step))
	if err != nil {
		return err
	}
	defer lock.free()
	old, found, err := readRecord[waiting](l.host, file)
	switch {
	case err != nil:
		return err
	case found && old.overdue():
		return fmt.Errorf("%w: an earlier run of %s was not confirmed and is being undone", ErrReverted, c.Step)
	case found && old.Call.Plan != c.Plan:
		return fmt.Errorf("%w: %s of plan %s still waits for its confirmation", actuators.ErrTransient, c.Step, old.Call.Plan)
	}
	if err := l.host.Remove(revertedFile(file)); err != nil {
		return err
	}
	return writeRecord(l.host, file, l.waiting(c))
}

func (l *local) waiting(c Call) waiting {
	w := waiting{
		Call: c, Host: l.host.Name(), Dirs: Dirs{State: l.host.StateDir()}, Conn: l.conn,
		Deadline: l.host.Now().Add(c.Confirm), Boot: bootID(), Ends: bootClock() + int64(c.Confirm),
	}
	if m, ok := l.host.(*machine); ok {
		w.Dirs = m.dirs
	}
	if l.conn != "" { // a process that serves one connection only
		if self, err := findProcess(os.Getpid()); err == nil {
			w.Server = &self
		}
	}
	return w
}

// done notes that the step is no longer being done, so that the watcher has nobody to kill.
func (l *local) done(c Call) {
	ctx, cancel := context.WithTimeout(context.Background(), stopGrace)
	defer cancel()
	lock, err := l.locks.take(ctx, stepLock(c.Step))
	if err != nil {
		return
	}
	defer lock.free()
	file := waitingFile(l.host.StateDir(), c.Step)
	if w, found, err := readRecord[waiting](l.host, file); err == nil && found && w.Conn == l.conn {
		w.Server = nil
		_ = writeRecord(l.host, file, w) // the old record is as safe
	}
}

// disarm forgets a step that was undone by the controller.
func (l *local) disarm(ctx context.Context, c Call) error {
	file := waitingFile(l.host.StateDir(), c.Step)
	lock, err := l.locks.take(ctx, stepLock(c.Step))
	if err != nil {
		return err
	}
	defer lock.free()
	if err := l.host.Remove(file); err != nil {
		return err
	}
	return l.host.Remove(revertedFile(file))
}

func (l *local) Confirm(ctx context.Context, step string) error {
	if l.readOnly {
		return fmt.Errorf("cannot confirm %s: %w", step, ErrReadOnly)
	}
	if err := l.confirm(ctx, step); err != nil {
		return fmt.Errorf("cannot confirm %s: %w", step, err)
	}
	return nil
}

func (l *local) confirm(ctx context.Context, step string) error {
	lock, err := l.locks.take(ctx, stepLock(step))
	if err != nil {
		return err
	}
	defer lock.free()
	file := waitingFile(l.host.StateDir(), step)
	undone, found, err := readRecord[reverted](l.host, revertedFile(file))
	if err != nil {
		return err
	}
	if found {
		return undone.tell()
	}
	w, found, err := readRecord[waiting](l.host, file)
	switch {
	case err != nil:
		return err
	case !found:
		return nil // confirmed before, and the answer was lost
	case w.overdue():
		return fmt.Errorf("%w: the deadline %s has passed and it is being undone", ErrReverted, w.Deadline.Format(time.RFC3339))
	case w.Conn != "" && w.Conn == l.conn:
		return fmt.Errorf("%w: only a new connection proves that the host can still be reached", actuators.ErrRefused)
	}
	return l.host.Remove(file)
}

func (r reverted) tell() error {
	at := r.Time.Format(time.RFC3339)
	if r.Error != nil {
		return fmt.Errorf("%w: not confirmed in time; undone at %s, but: %w", ErrReverted, at, r.Error)
	}
	return fmt.Errorf("%w: not confirmed in time; undone at %s", ErrReverted, at)
}

// rearm gives every waiting step whose watcher died a new one, which undoes at once what is overdue. It tells what went
// wrong.
func (l *local) rearm() (problems []string) {
	files, _, err := recordSteps(l.host.StateDir(), waitingSuffix)
	if err != nil {
		return []string{"cannot look for steps that wait for a confirmation: " + err.Error()}
	}
	for _, file := range files {
		if watched(l.locks, file) {
			continue
		}
		ctx, cancel := context.WithTimeout(context.Background(), watcherStart)
		if err := startWatcher(ctx, l.opts.Watcher, file); err != nil {
			problems = append(problems, fmt.Sprintf("nobody undoes %s: %v", file, err))
		}
		cancel()
	}
	return problems
}

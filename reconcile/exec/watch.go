package exec

import (
	"context"
	"errors"
	"fmt"
	"time"

	"plumbline/actuators"
)

// watch waits for the end of one record: confirmed (the file is gone), or the deadline, when it undoes the step.
// Several watches of one record do no harm: each looks again under the locks.
type watch struct {
	reg   *actuators.Registry
	host  actuators.Host
	locks locks
	file  string
	step  string
	alive *held // tells others that the record is watched
}

// newWatch reads a record; nil if it is gone already.
func newWatch(reg *actuators.Registry, file string) (*watch, error) {
	record, found, err := readRecord[waiting](NewMachine("", Dirs{}), file)
	if err != nil || !found {
		return nil, err
	}
	h := NewMachine(record.Host, record.Dirs)
	return &watch{reg: reg, host: h, locks: newLocks(h.StateDir()), file: file, step: record.Call.Step}, nil
}

// claim takes the lock that says "watched", now or at a later try: an ending watch may still hold it.
func (w *watch) claim() {
	if w.alive == nil {
		w.alive, _ = w.locks.tryOne(watchLock(w.file))
	}
}

func (w *watch) close() {
	if w.alive != nil {
		w.alive.free()
	}
}

func (w *watch) run(ctx context.Context) error {
	for {
		record, found, err := readRecord[waiting](w.host, w.file)
		if err != nil || !found {
			return err
		}
		if record.overdue() {
			return w.insist(ctx)
		}
		w.claim()
		if err := pause(ctx, min(watcherPoll, record.left())); err != nil {
			return err
		}
	}
}

// insist tries to undo until it is done or its patience ends; then the record stays for the next executor.
func (w *watch) insist(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, watcherPatience)
	defer cancel()
	for wait := watcherPoll; ; wait = min(2*wait, watcherRetry) {
		err := w.revert(ctx)
		if err == nil {
			return nil
		}
		if pause(ctx, wait) != nil {
			return err
		}
	}
}

// revert undoes the step and leaves word of it, unless it was confirmed or undone meanwhile. From the moment that the
// record says "undoing" no confirmation is taken.
func (w *watch) revert(ctx context.Context) error {
	record, found, err := w.edit(ctx, func(r *waiting) { r.Undoing = true })
	if err != nil || !found {
		return err
	}
	op, err := findOp(w.reg, record.Call)
	if err == nil && op.Undo == nil {
		err = fmt.Errorf("internal error: op %s has no undo", record.Call.Op)
	}
	if err == nil {
		err = w.undo(ctx, record, op)
	}
	if err != nil && !errors.Is(err, actuators.ErrStuck) {
		_, _, editErr := w.edit(ctx, func(r *waiting) { r.Error = err.Error() })
		return errors.Join(err, editErr)
	}
	return w.report(ctx, record, err)
}

// undo never runs beside the Do. One that does not end is ended here, with its process.
func (w *watch) undo(ctx context.Context, record waiting, op *actuators.ErasedOp) error {
	name := instanceLock(record.Call)
	grace, cancel := context.WithTimeout(ctx, killGrace)
	lock, _ := w.locks.take(grace, name)
	cancel()
	if lock == nil && record.Server != nil && record.Boot == bootID() {
		_ = record.Server.kill() // it may have ended just now
	}
	ctx, cancel = context.WithTimeout(ctx, timeout(record.Call, op))
	defer cancel()
	if lock == nil {
		var err error
		if lock, err = w.locks.take(ctx, name); err != nil {
			return err
		}
	}
	if _, found, err := readRecord[waiting](w.host, w.file); err != nil || !found {
		lock.free()
		return err
	}
	_, err := await(ctx, func(ctx context.Context) (any, error) {
		defer lock.free()
		return nil, op.Undo(ctx, w.host, record.Call.Params, record.Call.Before)
	})
	return err
}

// report replaces the record by the word for the controller.
func (w *watch) report(ctx context.Context, record waiting, stuck error) error {
	lock, err := w.locks.take(ctx, stepLock(w.step))
	if err != nil {
		return err
	}
	defer lock.free()
	if _, found, err := readRecord[waiting](w.host, w.file); err != nil || !found {
		return err
	}
	word := reverted{
		Plan: record.Call.Plan, Step: w.step, Epoch: record.Call.Epoch, Time: w.host.Now(), Error: packError(stuck),
	}
	if err := writeRecord(w.host, revertedFile(w.file), word); err != nil {
		return err
	}
	return w.host.Remove(w.file)
}

// edit changes the record under its lock, if it is still there.
func (w *watch) edit(ctx context.Context, change func(*waiting)) (waiting, bool, error) {
	lock, err := w.locks.take(ctx, stepLock(w.step))
	if err != nil {
		return waiting{}, false, err
	}
	defer lock.free()
	record, found, err := readRecord[waiting](w.host, w.file)
	if err != nil || !found {
		return record, found, err
	}
	change(&record)
	return record, true, writeRecord(w.host, w.file, record)
}

// pause waits, or gives the reason why not.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}

package exec

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"plumbline/actuators"
)

// watch waits for the end of one record: confirmed (the file is gone), or the deadline, when it undoes the steps.
// Several watches of one record do no harm: each looks again under the locks.
type watch struct {
	reg   *actuators.Registry
	host  actuators.Host
	locks locks
	file  string
	alive *held // tells others that the record is watched
}

// newWatch reads a record; nil if it is gone already.
func newWatch(reg *actuators.Registry, file string) (*watch, error) {
	record, found, err := readRecord[waiting](NewMachine("", Dirs{}), file)
	if err != nil || !found {
		return nil, err
	}
	h := NewMachine(record.Host, record.Dirs)
	return &watch{reg: reg, host: h, locks: newLocks(h.StateDir()), file: file}, nil
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

// revert undoes the steps and leaves word of them, unless they were confirmed or undone meanwhile, also if they were done anew since
// and wait with a deadline of their own. From the moment that the record says "undoing" no confirmation is taken.
func (w *watch) revert(ctx context.Context) error {
	record, found, err := w.edit(ctx, func(r *waiting) { r.Undoing = true })
	if err != nil || !found {
		return err
	}
	var undone []undo
	op, err := findOp(w.reg, record.Calls[0])
	if err == nil && op.Undo == nil {
		err = fmt.Errorf("internal error: op %s has no undo", record.Calls[0].Op)
	}
	if err == nil {
		undone, err = w.undo(ctx, record, op)
	}
	for _, u := range undone {
		if u.open() {
			err = errors.Join(err, fmt.Errorf("cannot undo %s: %w", u.call.Step, u.err))
		}
	}
	if err != nil {
		_, _, editErr := w.edit(ctx, func(r *waiting) { r.Error = err.Error() })
		err = errors.Join(err, editErr)
	}
	return errors.Join(err, w.report(ctx, undone))
}

// undo is a step that was taken back, or why not.
type undo struct {
	call Call
	err  error
}

// open tells whether another try may help; nobody overwrites a third value, or sets back what is gone.
func (u undo) open() bool {
	return u.err != nil && !errors.Is(u.err, actuators.ErrStuck) && !errors.Is(u.err, actuators.ErrGone)
}

// undo never runs beside the Do. One that does not end is ended here, with its process.
func (w *watch) undo(ctx context.Context, record waiting, op *actuators.ErasedOp) ([]undo, error) {
	grace, cancel := context.WithTimeout(ctx, killGrace)
	lock, _ := w.locks.takeAll(grace, record.Calls)
	cancel()
	if lock == nil && record.Server != nil && record.Boot == bootID() {
		_ = record.Server.kill() // it may have ended just now
	}
	ctx, cancel = context.WithTimeout(ctx, longest(record.Calls, op))
	defer cancel()
	if lock == nil {
		var err error
		if lock, err = w.locks.takeAll(ctx, record.Calls); err != nil {
			return nil, err
		}
	}
	record, found, err := w.due()
	if err != nil || !found {
		lock.free()
		return nil, err
	}
	return await(ctx, func(ctx context.Context) ([]undo, error) {
		defer lock.free()
		undone := make([]undo, len(record.Calls))
		errs := undoAll(ctx, w.host, op, record.Calls)
		for n, c := range record.Calls {
			undone[n] = undo{c, errs[n]}
		}
		return undone, nil
	})
}

// report moves steps that are through from the record to the word for the controller.
func (w *watch) report(ctx context.Context, undone []undo) error {
	undone = slices.DeleteFunc(undone, undo.open)
	if len(undone) == 0 {
		return nil
	}
	lock, err := w.locks.take(ctx, recordsLock)
	if err != nil {
		return err
	}
	defer lock.free()
	record, found, err := w.due()
	if err != nil || !found {
		return err
	}
	word, _, err := readRecord[reverted](w.host, revertedFile(w.file))
	if err != nil {
		return err
	}
	word.Time = w.host.Now()
	through := map[string]bool{}
	for _, u := range undone {
		if slices.ContainsFunc(record.Calls, func(c Call) bool { return c.Step == u.call.Step }) {
			word.Steps = append(word.Steps, revertedStep{u.call.Plan, u.call.Step, u.call.Epoch, packError(u.err)})
			through[u.call.Step] = true
		}
	}
	if len(through) > 0 {
		if err := writeRecord(w.host, revertedFile(w.file), word); err != nil {
			return err
		}
	}
	return strike[waiting](w.host, waitingSuffix, through, "")
}

// due is the record if its deadline has passed. Another may have come in its place.
func (w *watch) due() (waiting, bool, error) {
	record, found, err := readRecord[waiting](w.host, w.file)
	return record, found && record.overdue(), err
}

// edit changes the record under its lock, if it is still there and due.
func (w *watch) edit(ctx context.Context, change func(*waiting)) (waiting, bool, error) {
	lock, err := w.locks.take(ctx, recordsLock)
	if err != nil {
		return waiting{}, false, err
	}
	defer lock.free()
	record, found, err := w.due()
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

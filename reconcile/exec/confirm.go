package exec

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"time"

	"plumbline/actuators"
)

// arm makes sure, before steps of one op that want a confirmation, that somebody undoes them: one record on disk for all of
// them, and a watcher of it. A step that may not be done has its error, and the others go without it. Steps that an earlier
// run of the same plan armed are armed anew.
func (l *local) arm(ctx context.Context, calls []Call) (file string, errs []error) {
	errs = make([]error, len(calls))
	fail := func(err error) (string, []error) {
		for n := range errs {
			if errs[n] == nil {
				errs[n] = err
			}
		}
		return "", errs
	}
	a, err := l.writeWaiting(ctx, calls, errs)
	if err != nil || a.file == "" {
		return fail(err)
	}
	if err := startWatcher(ctx, l.opts.Watcher, a.file); err != nil {
		err = fmt.Errorf("cannot do %s: nobody would undo it: %w", title(calls), err)
		if !a.again {
			if removeErr := l.host.Remove(a.file); removeErr != nil {
				err = fmt.Errorf("%w; %w", err, removeErr)
			}
		}
		return fail(err)
	}
	if a.elsewhere {
		if err := l.editing(ctx, func() error { return strike[waiting](l.host, waitingSuffix, a.steps, a.file) }); err != nil {
			return fail(err)
		}
	}
	return a.file, errs
}

// armed is a record that was written.
type armed struct {
	file      string // "" = there is no step to arm
	steps     map[string]bool
	again     bool // it was there
	elsewhere bool // an older record names one of the steps, too
}

func (l *local) writeWaiting(ctx context.Context, calls []Call, errs []error) (a armed, err error) {
	err = l.editing(ctx, func() error {
		old, err := readRecords[waiting](l.host, waitingSuffix)
		if err != nil {
			return err
		}
		var good []Call
		for n, c := range calls {
			if errs[n] = mayArm(c, old); errs[n] == nil {
				good = append(good, c)
			}
		}
		if len(good) == 0 {
			return nil
		}
		a.file, a.steps = waitingFile(l.host.StateDir(), good), setOf(good)
		for _, one := range old {
			a.again = a.again || one.file == a.file
			a.elsewhere = a.elsewhere || one.file != a.file && len(one.record.without(a.steps).Calls) < len(one.record.Calls)
		}
		if err := strike[reverted](l.host, revertedSuffix, a.steps, ""); err != nil {
			return err
		}
		return writeRecord(l.host, a.file, l.waiting(good))
	})
	return a, err
}

// mayArm refuses a step that an earlier run did and that is not through with its confirmation.
func mayArm(c Call, old []filed[waiting]) error {
	for _, one := range old {
		for _, o := range one.record.Calls {
			switch {
			case o.Step != c.Step:
			case one.record.overdue():
				return fmt.Errorf("%w: an earlier run of %s was not confirmed and is being undone", ErrReverted, c.Step)
			case o.Plan != c.Plan:
				return fmt.Errorf("%w: %s of plan %s still waits for its confirmation", actuators.ErrTransient, c.Step, o.Plan)
			}
		}
	}
	return nil
}

// editing runs what reads and writes records, with their lock.
func (l *local) editing(ctx context.Context, edit func() error) error {
	lock, err := l.locks.take(ctx, recordsLock)
	if err != nil {
		return err
	}
	defer lock.free()
	return edit()
}

func (l *local) waiting(calls []Call) waiting {
	limit := calls[0].Confirm
	for _, c := range calls {
		limit = min(limit, c.Confirm)
	}
	w := waiting{
		Calls: calls, Host: l.host.Name(), Dirs: Dirs{State: l.host.StateDir()}, Conn: l.conn,
		Deadline: l.host.Now().Add(limit), Boot: bootID(), Ends: bootClock() + int64(limit),
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

// done notes that the steps of a record are no longer being done, so that the watcher has nobody to kill.
func (l *local) done(file string) {
	ctx, cancel := context.WithTimeout(context.Background(), stopGrace)
	defer cancel()
	_ = l.editing(ctx, func() error {
		w, found, err := readRecord[waiting](l.host, file)
		if err != nil || !found || w.Conn != l.conn {
			return err
		}
		w.Server = nil
		return writeRecord(l.host, file, w) // the old record is as safe
	})
}

// disarm forgets steps that were undone by the controller.
func (l *local) disarm(ctx context.Context, calls []Call) error {
	return l.editing(ctx, func() error {
		steps := setOf(calls)
		if err := strike[waiting](l.host, waitingSuffix, steps, ""); err != nil {
			return err
		}
		return strike[reverted](l.host, revertedSuffix, steps, "")
	})
}

func (l *local) Confirm(ctx context.Context, step string) error {
	return l.confirm(ctx, []Call{{Step: step}})[0].Err
}

// confirm lets go of steps that wait, in one pass over all records.
func (l *local) confirm(ctx context.Context, calls []Call) []Answer {
	answers, told := make([]Answer, len(calls)), map[string]error{}
	err := ErrReadOnly
	if !l.readOnly {
		err = l.editing(ctx, func() error { return l.letGo(setOf(calls), told) })
	}
	for n, c := range calls {
		if reason := cmp.Or(told[c.Step], err); reason != nil {
			answers[n].Err = fmt.Errorf("cannot confirm %s: %w", c.Step, reason)
		}
	}
	return answers
}

// letGo tells why steps cannot be confirmed, and takes the others out of their records. A step that is in none was
// confirmed before, and the answer was lost.
func (l *local) letGo(steps map[string]bool, told map[string]error) error {
	words, err := readRecords[reverted](l.host, revertedSuffix)
	if err != nil {
		return err
	}
	for _, word := range words {
		for _, one := range word.record.Steps {
			told[one.Step] = one.tell(word.record.Time)
		}
	}
	all, err := readRecords[waiting](l.host, waitingSuffix)
	if err != nil {
		return err
	}
	for _, w := range all {
		reason := w.record.refuses(l.conn)
		for _, c := range w.record.Calls {
			if reason != nil && told[c.Step] == nil {
				told[c.Step] = reason
			}
		}
	}
	free := maps.Clone(steps)
	maps.DeleteFunc(free, func(step string, _ bool) bool { return told[step] != nil })
	return strike[waiting](l.host, waitingSuffix, free, "")
}

// refuses tells why no step of the record may be confirmed over a connection.
func (w waiting) refuses(conn string) error {
	switch {
	case w.overdue():
		return fmt.Errorf("%w: the deadline %s has passed and it is being undone", ErrReverted, w.Deadline.Format(time.RFC3339))
	case w.Conn != "" && w.Conn == conn:
		return fmt.Errorf("%w: only a new connection proves that the host can still be reached", actuators.ErrRefused)
	}
	return nil
}

func (r revertedStep) tell(at time.Time) error {
	when := at.Format(time.RFC3339)
	if r.Error != nil {
		return fmt.Errorf("%w: not confirmed in time; undone at %s, but: %w", ErrReverted, when, r.Error)
	}
	return fmt.Errorf("%w: not confirmed in time; undone at %s", ErrReverted, when)
}

// rearm gives every waiting step whose watcher died a new one, which undoes at once what is overdue. It tells what went
// wrong.
func (l *local) rearm() (problems []string) {
	if l.readOnly {
		return nil // to undo is to change
	}
	files, err := listRecords(l.host.StateDir(), waitingSuffix)
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

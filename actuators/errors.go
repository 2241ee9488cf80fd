package actuators

import (
	"errors"
	"fmt"
)

// The closed set of causes that somebody acts on. Wrap them with %w.
var (
	ErrNotFound  = errors.New("not found")                     // what the operation needs is not there
	ErrTransient = errors.New("temporary failure")             // trying again later may help
	ErrRefused   = errors.New("refused")                       // the topology must change
	ErrForeign   = errors.New("not ours")                      // it carries no mark of this installation
	ErrStuck     = errors.New("neither as before nor as made") // an undo found a value that somebody else wrote
	ErrGone      = errors.New("gone")                          // an undo found nothing to undo: a boot took it along, or somebody else
)

// Foreign is the error for a thing of a wanted name that is not ours, with the way out.
func Foreign(what string) error {
	return fmt.Errorf(`%w: %s exists already and was not made by this installation; choose another name, remove it by hand, or take it over with manage: "adopt"`, ErrForeign, what)
}

// Gone is the error of an undo that found nothing that it could set back. Nothing is left to be overwritten, so the instance
// is not frozen: the next plan makes it again.
func Gone(what string) error {
	return fmt.Errorf("%w: %s, which was there before the step; a boot takes such things along; the next plan makes it again", ErrGone, what)
}

// Stuck is the error of an undo that found a value which is neither what was captured nor what the step wrote.
func Stuck(what string, live, before any) error {
	return fmt.Errorf("%w: %s is %v; before the step it was %v, and somebody else changed it since", ErrStuck, what, live, before)
}

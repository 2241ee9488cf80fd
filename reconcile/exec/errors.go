package exec

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"plumbline/actuators"
)

// Causes that the engine acts on, beside those of actuators.
var (
	ErrUnknown     = errors.New("outcome unknown")              // timed out or cut off: a look decides
	ErrUnreachable = errors.New("host unreachable")             // no connection
	ErrFenced      = errors.New("fenced")                       // a controller with a higher epoch was here
	ErrReadOnly    = errors.New("read-only")                    // the executor may not change anything
	ErrAbsent      = errors.New("no plumb there")               // the transport came through and found no plumb to start
	ErrReverted    = errors.New("reverted")                     // not confirmed in time, undone by the host
	ErrPolled      = errors.New("gives no hints and is polled") // the kind has no Watch
	ErrVersion     = errors.New("this version of plumb")        // does not know what was asked for: the two ends are not of one version
)

// classes are the errors that keep their identity across the wire. The order is free, the words are protocol.
var classes = []struct {
	word string
	err  error
}{
	{"not-found", actuators.ErrNotFound},
	{"transient", actuators.ErrTransient},
	{"refused", actuators.ErrRefused},
	{"foreign", actuators.ErrForeign},
	{"stuck", actuators.ErrStuck},
	{"gone", actuators.ErrGone},
	{"unknown", ErrUnknown},
	{"unreachable", ErrUnreachable},
	{"fenced", ErrFenced},
	{"read-only", ErrReadOnly},
	{"reverted", ErrReverted},
	{"polled", ErrPolled},
	{"version", ErrVersion},
	{"deadline", context.DeadlineExceeded},
	{"canceled", context.Canceled},
}

// wireError is an error that crosses the wire: its text, and the classes that errors.Is finds again at the other end.
type wireError struct {
	Text    string   `json:"text"`
	Classes []string `json:"classes,omitempty"`
}

// packError makes an error fit for the wire; nil stays nil.
func packError(err error) *wireError {
	if err == nil {
		return nil
	}
	packed := &wireError{Text: err.Error()}
	for _, class := range classes {
		if errors.Is(err, class.err) {
			packed.Classes = append(packed.Classes, class.word)
		}
	}
	return packed
}

// unpack is the inverse of packError.
func (e *wireError) unpack() error {
	if e == nil {
		return nil
	}
	return e
}

// Error is the text as the far end said it.
func (e *wireError) Error() string { return e.Text }

// Is finds the classes that the far end found.
func (e *wireError) Is(target error) bool {
	for _, class := range classes {
		if class.err == target {
			return slices.Contains(e.Classes, class.word)
		}
	}
	return false
}

// unknown adds ErrUnknown to the error of a verb that changes something and was cut off.
func unknown(err error) error {
	if errors.Is(err, ErrUnknown) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrUnknown, err)
}

// absent adds ErrAbsent to an error whose words say it already.
type absent struct{ error }

// Is finds ErrAbsent.
func (absent) Is(target error) bool { return target == ErrAbsent }

// Unwrap gives the rest.
func (a absent) Unwrap() error { return a.error }

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"plumbline/reconcile"
	"plumbline/reconcile/journal"
	"plumbline/schema"
	"plumbline/sources/trust"
)

// The exit codes, the same for every command.
const (
	exitOK         = 0   // done, or nothing to do
	exitError      = 1   // something failed
	exitChanges    = 2   // there are changes or drift (with --detailed-exitcode)
	exitPermission = 3   // authentication or permission
	exitInvalid    = 4   // the topology or a configuration file has mistakes
	exitRefused    = 5   // a rule or limit refuses the change
	exitStale      = 6   // the plan is stale, or another plumb is at work
	exitRolledBack = 7   // apply failed and was rolled back, verified
	exitResidue    = 8   // apply failed and something remains changed
	exitUntrusted  = 9   // nobody signed the commit who may
	exitIncomplete = 10  // not everything could be looked at: nobody can say that all is well
	exitInterrupt  = 130 // interrupted
)

// exitMeanings tell people the codes.
var exitMeanings = []struct {
	code int
	text string
}{
	{exitOK, "Done, or nothing to do."},
	{exitError, "Something failed."},
	{exitChanges, "There are changes or drift (with --detailed-exitcode)."},
	{exitPermission, "Authentication or permission."},
	{exitInvalid, "The topology or the controller's file has mistakes."},
	{exitRefused, "A rule or limit refuses a change, or it is held."},
	{exitStale, "The plan is stale, or another plumb is at work."},
	{exitRolledBack, "Apply failed and was rolled back, verified."},
	{exitResidue, "Apply failed and something remains changed; it is named."},
	{exitUntrusted, "The commit is not signed by who may."},
	{exitIncomplete, "Not everything could be looked at: nobody can say that all is well."},
	{exitInterrupt, "Interrupted."},
}

// coded is an error with the exit code that it means.
type coded struct {
	code int
	err  error
}

func (c coded) Error() string {
	if c.err == nil {
		return ""
	}
	return c.err.Error()
}

func (c coded) Unwrap() error { return c.err }

// fail is an error with an exit code.
func fail(code int, format string, args ...any) error {
	return coded{code, fmt.Errorf(format, args...)}
}

// exits ends a command with a code and no message.
func exits(code int) error {
	if code == exitOK {
		return nil
	}
	return coded{code: code}
}

// exitCode is the code that an error means.
func exitCode(err error) int {
	var c coded
	var problems schema.Problems
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &c):
		return c.code
	case errors.As(err, &problems), errors.Is(err, reconcile.ErrEmpty):
		return exitInvalid
	case errors.Is(err, reconcile.ErrStale), errors.Is(err, reconcile.ErrUnseen), errors.Is(err, journal.ErrInUse):
		return exitStale
	case errors.Is(err, trust.ErrUntrusted):
		return exitUntrusted
	case errors.Is(err, reconcile.ErrLeftOut), errors.Is(err, reconcile.ErrFrozen), errors.Is(err, reconcile.ErrBehind):
		return exitRefused
	case errors.Is(err, fs.ErrPermission):
		return exitPermission
	case errors.Is(err, context.Canceled):
		return exitInterrupt
	}
	return exitError
}

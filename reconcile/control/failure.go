package control

import (
	"errors"

	"plumbline/reconcile"
	"plumbline/schema"
	"plumbline/sources/trust"
)

// classes are the errors that keep their identity across the socket.
var classes = map[string]error{
	"stale": reconcile.ErrStale, "no-store": reconcile.ErrNoStore, "empty": reconcile.ErrEmpty, "stranger": reconcile.ErrStranger,
	"left-out": reconcile.ErrLeftOut, "unseen": reconcile.ErrUnseen, "frozen": reconcile.ErrFrozen, "untrusted": trust.ErrUntrusted,
}

func classOf(err error) string {
	for word, class := range classes {
		if errors.Is(err, class) {
			return word
		}
	}
	return ""
}

// farError is an error of the controller, with its class.
type farError struct {
	text  string
	class error
}

func (e farError) Error() string { return e.text }

func (e farError) Unwrap() error { return e.class }

// failure is the error of a reply: mistakes of a topology as such.
func (r *Reply) failure() error {
	if r.More > 0 {
		return &schema.TooMany{First: r.Problems, More: r.More}
	}
	if len(r.Problems) > 0 {
		return r.Problems
	}
	return farError{text: r.Err, class: classes[r.Class]}
}

// fail puts an error into a reply.
func (r *Reply) fail(err error) {
	r.Problems, r.More, _ = schema.Told(err)
	r.Err, r.Class = err.Error(), classOf(err)
}

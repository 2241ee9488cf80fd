package files

import (
	"cmp"
	"fmt"

	"plumbline/actuators"
)

// Marked is the mark that a file had before it was put back. A journal of an earlier release has none.
type Marked struct {
	Mark actuators.Mark `json:"mark,omitzero"`
}

// Aside reads the mark of a file that is set aside and is to be put back; ErrNotFound if it is not there.
func Aside(h actuators.Host, path string, m actuators.Mark) (Marked, error) {
	stamp, side, err := Own(h, path, m)
	if err == nil && stamp == nil {
		err = fmt.Errorf("cannot restore %s: %w", path, actuators.ErrNotFound)
	}
	if err != nil {
		return Marked{}, err
	}
	return Marked{side.Mark}, nil
}

// Again sets a file that was put back aside again, with the mark that it had.
func (before Marked) Again(h actuators.Host, from, to string, m actuators.Mark) error {
	return Rename(h, from, to, m, cmp.Or(before.Mark, m))
}

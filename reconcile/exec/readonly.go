package exec

import (
	"fmt"
	"io/fs"

	"plumbline/actuators"
)

// looked is a host of which kinds may change no file. Programs that they run to look are theirs to choose well: testenv/ssh holds
// them to it.
type looked struct{ actuators.Host }

// WriteFile refuses.
func (looked) WriteFile(path string, _ []byte, _ fs.FileMode) error {
	return fmt.Errorf("cannot write %s: %w", path, ErrReadOnly)
}

// Remove refuses.
func (looked) Remove(path string) error { return fmt.Errorf("cannot remove %s: %w", path, ErrReadOnly) }

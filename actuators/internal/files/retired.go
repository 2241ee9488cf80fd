package files

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"plumbline/actuators"
)

const retiredWord = ".plumb-retired-"

// RetiredPath is the name under which a removal sets a file aside: "disk.qcow2" → "disk.plumb-retired-1700000000.qcow2".
func RetiredPath(path string, at time.Time) string {
	ext := filepath.Ext(path)
	return strings.TrimSuffix(path, ext) + retiredWord + strconv.FormatInt(at.Unix(), 10) + ext
}

// FreeRetiredPath is the first RetiredPath from a time on that nothing has: two removals may fall into one second.
func FreeRetiredPath(path string, from time.Time) (string, error) {
	for at := from; ; at = at.Add(time.Second) {
		free := RetiredPath(path, at)
		if stamp, err := Stat(free); stamp == nil || err != nil {
			return free, err
		}
	}
}

// Split takes a file name apart: name, extension with its dot, and when it was set aside (zero: it was not).
func Split(file string) (name, ext string, retired time.Time) {
	ext = filepath.Ext(file)
	name = strings.TrimSuffix(file, ext)
	before, seconds, found := strings.Cut(name, retiredWord)
	if !found {
		return name, ext, time.Time{}
	}
	at, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return name, ext, time.Time{}
	}
	return before, ext, time.Unix(at, 0).UTC()
}

// Purge deletes a file that was set aside, for good, and then its sidecar. One that is gone is no error; one that is not set
// aside, or not ours, is refused.
func Purge(h actuators.Host, path string, m actuators.Mark) error {
	if _, _, at := Split(filepath.Base(path)); at.IsZero() {
		return fmt.Errorf("%w: cannot purge %s: it was not set aside", actuators.ErrRefused, path)
	}
	stamp, _, err := Own(h, path, m)
	if err != nil {
		return err
	}
	if stamp == nil { // a purge that was cut short leaves the sidecar
		if side, err := ReadSidecar(h, path); err != nil || !side.Of(m) {
			return err
		}
		return RemoveSidecar(h, path)
	}
	if err := h.Remove(path); err != nil {
		return fmt.Errorf("cannot purge %s: %w", path, err)
	}
	return RemoveSidecar(h, path)
}

// TempPath is where a file is prepared before it gets its name: in the same directory, under a name that is not taken
// for anything else, and the same after a crash.
func TempPath(path string) string {
	return filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".plumb-new")
}

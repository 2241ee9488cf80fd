package files

import (
	"path/filepath"
	"strconv"
	"strings"
	"time"
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

// TempPath is where a file is prepared before it gets its name: in the same directory, under a name that is not taken
// for anything else, and the same after a crash.
func TempPath(path string) string {
	return filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".plumb-new")
}

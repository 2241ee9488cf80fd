package files

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"plumbline/actuators"
	"plumbline/schema"
)

const poolFile = ".plumb-pool"

// PoolMarker proves that a directory is the pool, and not the empty place where its file system is not mounted.
type PoolMarker struct {
	Mark actuators.Mark `json:"mark"`
	Made []string       `json:"made,omitempty"` // directories that were made for it, outermost first
}

// PoolMarkerPath is where the marker of a pool lies.
func PoolMarkerPath(dir string) string { return filepath.Join(dir, poolFile) }

// ReadPool reads the marker of a directory; nil when it has none. exists tells whether there is a directory at all.
func ReadPool(h actuators.Host, dir string) (m *PoolMarker, exists bool, err error) {
	info, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	if err == nil && !info.IsDir() {
		err = fmt.Errorf("it is no directory")
	}
	if err != nil {
		return nil, false, fmt.Errorf("cannot look at the pool directory %s: %w", dir, err)
	}
	data, err := h.ReadFile(PoolMarkerPath(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, true, nil
	}
	m = &PoolMarker{}
	if err == nil {
		err = json.Unmarshal(data, m)
	}
	if err != nil {
		return nil, true, fmt.Errorf("cannot read the marker of the pool directory %s: %w", dir, err)
	}
	return m, true, nil
}

// WritePool writes the marker of a pool, durably.
func WritePool(h actuators.Host, dir string, m PoolMarker) error {
	data, err := json.Marshal(m)
	if err != nil {
		return err
	}
	if err := h.WriteFile(PoolMarkerPath(dir), append(data, '\n'), 0o644); err != nil {
		return fmt.Errorf("cannot mark the pool directory %s: %w", dir, err)
	}
	return nil
}

// RemovePool deletes the marker of a pool; deleting the absent is no error.
func RemovePool(h actuators.Host, dir string) error {
	if err := h.Remove(PoolMarkerPath(dir)); err != nil {
		return fmt.Errorf("cannot remove the marker of the pool directory %s: %w", dir, err)
	}
	return nil
}

// ProvePool fails unless the directory carries the marker of the pool. A directory that is not there at all gives
// false: nothing can lie in it.
func ProvePool(h actuators.Host, dir string, pool schema.ID) (exists bool, err error) {
	m, exists, err := ReadPool(h, dir)
	switch {
	case err != nil || !exists:
		return exists, err
	case m == nil:
		return true, fmt.Errorf("cannot trust %s: it does not carry the marker %s of %s; is its file system mounted? A directory that was there before is taken over first: manage: \"adopt\"", dir, poolFile, pool)
	case m.Mark.ID != pool:
		return true, fmt.Errorf("cannot trust %s: its marker %s is that of %s, not of %s", dir, poolFile, m.Mark.ID, pool)
	}
	return true, nil
}

// Holds lists what lies in a pool's directory beside the marker, sorted. lost+found belongs to the file system.
func Holds(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("cannot list %s: %w", dir, err)
	}
	var names []string
	for _, entry := range entries {
		if name := entry.Name(); name != poolFile && name != "lost+found" {
			names = append(names, name)
		}
	}
	return names, nil
}

package files

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Names gives all names in a directory, sorted; none of one that is not there.
func Names(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("cannot list %s: %w", dir, err)
	}
	names := make([]string, len(entries))
	for n, entry := range entries {
		names[n] = entry.Name()
	}
	return names, nil
}

// Links gives the symbolic links of a directory with what they point to, by name; none of a directory that is not there.
func Links(dir string) (map[string]string, error) {
	names, err := Names(dir)
	if err != nil {
		return nil, err
	}
	links := map[string]string{}
	for _, name := range names {
		to, err := os.Readlink(filepath.Join(dir, name))
		if err == nil { // otherwise it is no link, or gone by now
			links[name] = to
		}
	}
	return links, nil
}

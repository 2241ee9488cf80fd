// Package files is what kinds need of a file system beyond actuators.Host: atomic moves that never replace, sidecars
// that carry marks, and the names of what was set aside. Only kinds may import it.
package files

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Stamp tells one state of one file: it changes with every write and every replacement.
type Stamp struct {
	Inode    uint64 `json:"inode"`
	Size     int64  `json:"size"`     // bytes
	Modified int64  `json:"modified"` // nanoseconds since 1970
}

// Stat stamps a regular file; nil when there is nothing of that name.
func Stat(path string) (*Stamp, error) {
	var st unix.Stat_t
	err := unix.Lstat(path, &st)
	switch {
	case err == unix.ENOENT || err == unix.ENOTDIR:
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("cannot look at %s: %w", path, err)
	case st.Mode&unix.S_IFMT != unix.S_IFREG:
		return nil, fmt.Errorf("cannot use %s: it is no regular file", path)
	}
	return &Stamp{Inode: st.Ino, Size: st.Size, Modified: st.Mtim.Nano()}, nil
}

// List gives the names of the regular files of a directory, sorted. A directory that is not there gives
// fs.ErrNotExist.
func List(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("cannot list %s: %w", dir, err)
	}
	var names []string
	for _, entry := range entries {
		if entry.Type().IsRegular() {
			names = append(names, entry.Name())
		}
	}
	return names, nil
}

// Move renames a file and syncs its directories. It never replaces: a taken name gives fs.ErrExist.
func Move(from, to string) error {
	if err := unix.Renameat2(unix.AT_FDCWD, from, unix.AT_FDCWD, to, unix.RENAME_NOREPLACE); err != nil {
		return fmt.Errorf("cannot rename %s to %s: %w", from, to, err)
	}
	return errors.Join(Sync(filepath.Dir(to)), Sync(filepath.Dir(from)))
}

// Sync makes a file, or the names in a directory, durable.
func Sync(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("cannot sync %s: %w", path, err)
	}
	err = f.Sync()
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("cannot sync %s: %w", path, err)
	}
	return nil
}

// Missing lists the directories that MakeDirs would make, outermost first.
func Missing(dir string) ([]string, error) {
	var missing []string
	for at := filepath.Clean(dir); at != "/"; at = filepath.Dir(at) {
		info, err := os.Stat(at)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			missing = append([]string{at}, missing...)
		case err != nil:
			return nil, fmt.Errorf("cannot look at %s: %w", at, err)
		case !info.IsDir():
			return nil, fmt.Errorf("cannot use %s: %s is no directory", dir, at)
		default:
			return missing, nil
		}
	}
	return missing, nil
}

// MakeDirs makes a directory and its parents, durably.
func MakeDirs(dir string) error {
	missing, err := Missing(dir)
	if err != nil {
		return err
	}
	for _, one := range missing {
		if err := os.Mkdir(one, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("cannot make directory: %w", err)
		}
		if err := Sync(filepath.Dir(one)); err != nil {
			return err
		}
	}
	return nil
}

// RemoveDirs removes directories that MakeDirs made, innermost first, and stops at the first that holds something.
// What is not there is no error.
func RemoveDirs(made []string) error {
	for i := len(made) - 1; i >= 0; i-- {
		err := unix.Rmdir(made[i])
		switch err {
		case nil, unix.ENOENT:
		case unix.ENOTEMPTY, unix.EEXIST, unix.EBUSY:
			return nil
		default:
			return fmt.Errorf("cannot remove directory %s: %w", made[i], err)
		}
	}
	return nil
}

// Space is the room of a file system in bytes.
type Space struct{ Total, Free int64 }

// SpaceOf tells the room of the file system that a directory is on; free is what an ordinary user may still take.
func SpaceOf(dir string) (Space, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return Space{}, fmt.Errorf("cannot tell the free space of %s: %w", dir, err)
	}
	return Space{Total: int64(st.Blocks) * st.Bsize, Free: int64(st.Bavail) * st.Bsize}, nil
}

// Allocated is how many bytes a file takes on disk.
func Allocated(path string) (int64, error) {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return 0, fmt.Errorf("cannot look at %s: %w", path, err)
	}
	return st.Blocks * 512, nil
}

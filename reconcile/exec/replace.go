package exec

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// replaceFile writes beside the file, syncs, renames and syncs the directory, so that a crash leaves the old content or
// the new. The owner of a file that was there is kept. What is written has no name before it is whole and synced, so that
// whoever is killed meanwhile leaves nothing in the directory; where the file system has no such files, it has one.
func replaceFile(path string, data []byte, perm fs.FileMode) (err error) {
	file, named, err := spare(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer func() {
		file.Close()
		if err != nil && named {
			os.Remove(file.Name())
		}
	}()
	if old, statErr := os.Lstat(path); statErr == nil {
		if stat, ok := old.Sys().(*syscall.Stat_t); ok {
			_ = file.Chown(int(stat.Uid), int(stat.Gid)) // not root: the file stays ours
		}
	}
	if err := file.Chmod(perm); err != nil {
		return err
	}
	if _, err := file.Write(data); err != nil {
		return err
	}
	if err := file.Sync(); err != nil {
		return err
	}
	if named {
		err = os.Rename(file.Name(), path)
	} else {
		err = name(file, path)
	}
	if err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// spare is a new file in a directory, without a name if the file system can do that: see open(2), O_TMPFILE.
func spare(dir string) (file *os.File, named bool, err error) {
	fd, err := unix.Open(dir, unix.O_TMPFILE|unix.O_WRONLY|unix.O_CLOEXEC, 0o600)
	if err != nil { // EOPNOTSUPP, and of old kernels EISDIR and others: what is really wrong with the directory is told below
		file, err = os.CreateTemp(dir, ".plumb-*")
		return file, true, err
	}
	return os.NewFile(uintptr(fd), dir), false, nil
}

// name gives a file without a name one. No link takes another's place: where a name is taken, it goes by way of a second one,
// for an instant.
func name(file *os.File, path string) error {
	self := fmt.Sprintf("/proc/self/fd/%d", file.Fd())
	link := func(to string) error {
		return unix.Linkat(unix.AT_FDCWD, self, unix.AT_FDCWD, to, unix.AT_SYMLINK_FOLLOW)
	}
	err := link(path)
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	beside := filepath.Join(filepath.Dir(path), fmt.Sprintf(".plumb-%d", rand.Uint64()))
	if err := link(beside); err != nil {
		return err
	}
	if err := os.Rename(beside, path); err != nil {
		return errors.Join(err, os.Remove(beside))
	}
	return nil
}

func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}

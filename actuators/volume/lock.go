package volume

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// QEMU locks one byte of a file for each thing that it may do to it, as a shared lock of the open file (QEMU,
// block/file-posix.c, RAW_LOCK_PERM_BASE; include/block/block-common.h, BLK_PERM_WRITE to BLK_PERM_RESIZE).
const (
	lockOfWriters = 101
	locksOfChange = 3 // write, write unchanged, resize
)

// written tells whether a process has the file open to write to it, such as a guest that runs from it, whoever started
// it. Looks of our own only read. A file that is not there has no writer.
func written(path string) (bool, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("cannot ask who uses the volume file: %w", err)
	}
	defer f.Close()
	lock := unix.Flock_t{Type: unix.F_WRLCK, Start: lockOfWriters, Len: locksOfChange}
	if err := unix.FcntlFlock(f.Fd(), unix.F_OFD_GETLK, &lock); err != nil {
		return false, fmt.Errorf("cannot ask who uses %s: %w", path, err)
	}
	return lock.Type != unix.F_UNLCK, nil
}

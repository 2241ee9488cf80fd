package journal

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"
)

// bbolt maps the file and trusts it: a file that was cut off ends the program with SIGBUS, a damaged page with a panic in
// a goroutine of its own or with a loop that eats all memory. So the file is checked once before bbolt maps it; it is mapped
// for that, too, for free pages need not be read. The lock keeps out who would write meanwhile; bbolt takes its own afterwards.
func checkFile(path string) error {
	file, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer file.Close()
	if err := lock(file); err != nil {
		return err
	}
	info, err := file.Stat()
	if err != nil || info.Size() == 0 { // empty is what a crash within the very first open leaves
		return err
	}
	data, err := syscall.Mmap(int(file.Fd()), 0, int(info.Size()), syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		return fmt.Errorf("cannot map it: %w", err)
	}
	err = guard(func() error {
		if err := checkPages(data); err != nil {
			return fmt.Errorf("%w (%w)", ErrDamaged, err)
		}
		return nil
	})
	return errors.Join(err, syscall.Munmap(data))
}

// lock takes a shared lock, which ends when the file is closed.
func lock(file *os.File) error {
	for deadline := time.Now().Add(lockWait); ; time.Sleep(lockPause) {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_SH|syscall.LOCK_NB)
		switch {
		case !errors.Is(err, syscall.EWOULDBLOCK):
			return err
		case time.Now().After(deadline):
			return ErrInUse
		}
	}
}

// guard turns what bbolt does on a page that was damaged since (a panic, or a fault in the mapped file) into ErrDamaged.
func guard(read func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w (%v)", ErrDamaged, r)
		}
	}()
	return read()
}

func (s *Store) view(read func(*bolt.Tx) error) error {
	return guard(func() error { return s.db.View(read) })
}

func (s *Store) update(write func(*bolt.Tx) error) error {
	err := guard(func() error { return s.db.Update(write) })
	if err == nil && s.written != nil {
		s.written()
	}
	return err
}

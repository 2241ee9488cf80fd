// Package journal is the durable memory of the controller: the write-ahead journal of running plans, the inventory of
// what we own, the parked effects, the history, the epoch and the installation's ID, in one bbolt file.
//
// It decides nothing. reconcile/run says what a record means; here every acknowledged write is on the disk and every
// change of the inventory stands in the transaction of the record that caused it. Everything of reconcile may import it;
// kinds may not.
//
//	meta       format, writer, installation, epoch, commits
//	plans      plan ID → Past with the head of the plan
//	bodies     plan ID → the whole plan, and the result, in parts, deflated; of the newest and the open ones
//	open       plan ID → nothing: plans that were begun and have not ended
//	records    plan ID → (sequence → Record, or many, deflated); of the same
//	history    sequence → plan ID
//	inventory  instance → inventory.Entry, packed
//	parked     lane effect digest → Parked
package journal

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// ErrInUse means that another process has the state open.
var ErrInUse = errors.New("it is in use by another plumb")

// ErrDamaged means that the file is no state that can be read: torn, truncated or overwritten.
var ErrDamaged = errors.New("the file is damaged; restore it from a backup; nothing was changed")

// lockWait bounds the wait for another process to release the file, which is asked again after each pause.
const (
	lockWait  = time.Second
	lockPause = 20 * time.Millisecond
)

// Options of Open.
type Options struct {
	Version  string // of this plumb: kept in the file, so that an older one can name it
	ReadOnly bool   // shared lock, no new epoch; the file must exist

	// Installation is the ID of a state that is made now; "" = a new one. See NewInstallation.
	Installation string

	// Written is called after every write that is on the disk, before its caller goes on: tests crash there. nil = nobody.
	Written func()
}

// Store is the open state. It may be used by many goroutines; one process writes at a time.
type Store struct {
	db           *bolt.DB
	path         string
	epoch, used  atomic.Uint64
	installation string
	written      func()
	owned        owned
}

// Open opens the state at a path, which it makes if there is none, checks that it is whole, and begins a new epoch. Its
// errors are ErrInUse, ErrDamaged, ErrNewer or those of the file system.
func Open(path string, o Options) (*Store, error) {
	if !o.ReadOnly {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return nil, fmt.Errorf("cannot open the state: %w", err)
		}
	}
	s, err := open(path, o)
	if err != nil {
		return nil, fmt.Errorf("cannot open the state %s: %w", path, err)
	}
	return s, nil
}

func open(path string, o Options) (*Store, error) {
	if err := checkFile(path); err != nil {
		return nil, err
	}
	db, file, err := openFile(path, o.ReadOnly)
	switch {
	case errors.Is(err, berrors.ErrTimeout):
		return nil, ErrInUse
	case errors.Is(err, berrors.ErrInvalid), errors.Is(err, berrors.ErrChecksum), errors.Is(err, berrors.ErrVersionMismatch):
		return nil, fmt.Errorf("%w (%w)", ErrDamaged, err)
	case err != nil:
		return nil, err
	}
	s := &Store{db: db, path: path, written: o.Written}
	if err := s.begin(o); err != nil {
		if errors.Is(err, ErrDamaged) {
			return nil, errors.Join(err, release(file))
		}
		return nil, errors.Join(err, db.Close())
	}
	return s, nil
}

// openFile opens the file so that damage is an error of this call: the free list is kept in the file, because bbolt would
// else gather it in a goroutine of its own, where a panic over a damaged page ends the program.
func openFile(path string, readOnly bool) (db *bolt.DB, file *os.File, err error) {
	options := &bolt.Options{
		Timeout: lockWait, ReadOnly: readOnly, FreelistType: bolt.FreelistMapType,
		OpenFile: func(name string, flag int, mode os.FileMode) (*os.File, error) {
			f, err := os.OpenFile(name, flag, mode)
			file = f
			return f, err
		},
	}
	err = guard(func() error {
		db, err = bolt.Open(path, 0o600, options)
		return err
	})
	if errors.Is(err, ErrDamaged) && file != nil {
		err = errors.Join(err, release(file))
	}
	return db, file, err
}

// release lets a file go that a panic left open: bbolt may hold its own locks for ever, and its mapping keeps the lock of
// the file though the file is closed.
func release(file *os.File) error {
	return errors.Join(syscall.Flock(int(file.Fd()), syscall.LOCK_UN), file.Close())
}

// Held tells whether another process has the state at a path open for writing, without waiting for it.
func Held(path string) bool {
	file, err := os.Open(path)
	if err != nil {
		return false
	}
	defer file.Close()
	return errors.Is(syscall.Flock(int(file.Fd()), syscall.LOCK_SH|syscall.LOCK_NB), syscall.EWOULDBLOCK)
}

func (s *Store) begin(o Options) error {
	if err := s.checkFormat(); err != nil {
		return err
	}
	if o.ReadOnly {
		return s.loadMeta()
	}
	return s.startEpoch(o)
}

// Close releases the file. No call may run beside or after it.
func (s *Store) Close() error { return s.db.Close() }

// Path is where the state lies.
func (s *Store) Path() string { return s.path }

// Epoch numbers what may change a host, openings for writing and plans, from 1, and never falls: a host refuses calls of a
// lower one.
func (s *Store) Epoch() uint64 { return s.epoch.Load() }

// Installation is the ID of this state, 8 hex digits made once; every mark carries it.
func (s *Store) Installation() string { return s.installation }

func put(b *bolt.Bucket, key string, value any) error {
	data, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("internal error: cannot write %T: %w", value, err)
	}
	return b.Put([]byte(key), data)
}

// get decodes the value of a key; false when there is none.
func get(b *bolt.Bucket, key string, into any) (bool, error) {
	data := b.Get([]byte(key))
	if data == nil {
		return false, nil
	}
	if err := json.Unmarshal(data, into); err != nil {
		return false, fmt.Errorf("%w: %s: %w", ErrDamaged, key, err)
	}
	return true, nil
}

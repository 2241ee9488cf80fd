package journal

import (
	bolt "go.etcd.io/bbolt"
)

// Every epoch that hosts hear of is in the file before they do. So a host that heard of a higher one than Used obeyed a
// state that knows more than this one: this is an old copy of it, or a new state in place of one that was lost.

// Used is the highest epoch that a host may have heard of from this state.
func (s *Store) Used() uint64 { return s.used.Load() }

// Raise begins a new epoch, which hosts may hear of from now on.
func (s *Store) Raise() error {
	return named("cannot raise the epoch", s.update(s.raise))
}

func (s *Store) raise(tx *bolt.Tx) error {
	m, err := readMeta(tx)
	if err != nil {
		return err
	}
	m.Epoch++
	m.Used = &m.Epoch
	tx.OnCommit(func() { s.remember(m) })
	return put(tx.Bucket(bucketMeta), metaKey, m)
}

// Behind tells why nothing may be changed with this state; "" when it may.
func (s *Store) Behind() (why string, err error) {
	err = s.view(func(tx *bolt.Tx) error {
		m, err := readMeta(tx)
		why = m.Behind
		return err
	})
	return why, err
}

// SetBehind keeps, over restarts, that nothing may be changed with this state until it is rebuilt.
func (s *Store) SetBehind(why string) error {
	return named("cannot note that the state is behind", s.update(func(tx *bolt.Tx) error {
		m, err := readMeta(tx)
		if err != nil || m.Behind != "" {
			return err
		}
		m.Behind = why
		return put(tx.Bucket(bucketMeta), metaKey, m)
	}))
}

// Rebuilt is what a state is rebuilt from.
type Rebuilt struct {
	Installation string // whose marks are ours from now on
	Epoch        uint64 // highest that any host has seen
	Commits      Commits
	Updates      []Update
	Ended        map[string]Ending // open plans that are given up, by ID
}

// Rebuild puts in what was found, in one transaction, with an epoch above every one that was seen.
func (s *Store) Rebuild(r Rebuilt) error {
	return named("cannot rebuild the state", s.update(func(tx *bolt.Tx) error {
		for id, e := range r.Ended {
			if err := endPast(tx, id, e); err != nil {
				return err
			}
			if err := tx.Bucket(bucketOpen).Delete([]byte(id)); err != nil {
				return err
			}
		}
		for _, u := range r.Updates {
			if err := s.applyUpdate(tx, u); err != nil {
				return err
			}
		}
		m, err := readMeta(tx)
		if err != nil {
			return err
		}
		m.Installation, m.Commits, m.Behind = r.Installation, r.Commits, ""
		m.Epoch = max(m.Epoch, r.Epoch) + 1
		m.Used = &m.Epoch
		tx.OnCommit(func() { s.remember(m) })
		return put(tx.Bucket(bucketMeta), metaKey, m)
	}))
}

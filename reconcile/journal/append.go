package journal

import (
	"encoding/binary"
	"encoding/json"
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// pending is a record that waits for its transaction.
type pending struct {
	record *Record
	data   []byte
	done   chan error
}

// Append writes a record, with its inventory update in the same transaction, and returns when it is on the disk. Calls
// that come while a transaction is being synced share the next one.
func (s *Store) Append(r Record) error {
	data, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("internal error: cannot write a record of %s: %w", r.Step, err)
	}
	p := &pending{record: &r, data: data, done: make(chan error, 1)}
	s.mu.Lock()
	s.queue = append(s.queue, p)
	first := !s.writing
	s.writing = true
	s.mu.Unlock()
	if first {
		s.flush()
	}
	if err := <-p.done; err != nil {
		return fmt.Errorf("cannot write the journal %s: %w", s.path, err)
	}
	return nil
}

// flush writes what is queued in one transaction. When more came meanwhile, another goroutine goes on, so that the
// caller's own record does not wait for theirs.
func (s *Store) flush() {
	s.mu.Lock()
	batch := s.queue
	s.queue = nil
	s.mu.Unlock()

	err := s.update(func(tx *bolt.Tx) error {
		for _, p := range batch {
			if err := appendRecord(tx, p); err != nil {
				return err
			}
		}
		return nil
	})

	s.mu.Lock()
	s.writing = len(s.queue) > 0
	more := s.writing
	s.mu.Unlock()
	for _, p := range batch {
		p.done <- err
	}
	if more {
		go s.flush()
	}
}

func appendRecord(tx *bolt.Tx, p *pending) error {
	b := tx.Bucket(bucketRecords).Bucket([]byte(p.record.Plan))
	if b == nil {
		return fmt.Errorf("internal error: the plan %s was not begun", p.record.Plan)
	}
	n, err := b.NextSequence()
	if err != nil {
		return err
	}
	if err := b.Put(number(n), p.data); err != nil {
		return err
	}
	if p.record.Update == nil {
		return nil
	}
	return applyUpdate(tx, *p.record.Update)
}

// Records lists the records of a plan in the order in which they were written.
func (s *Store) Records(planID string) ([]Record, error) {
	var out []Record
	err := s.view(func(tx *bolt.Tx) error {
		b := tx.Bucket(bucketRecords).Bucket([]byte(planID))
		if b == nil {
			return nil
		}
		return b.ForEach(func(k, v []byte) error {
			var r Record
			if err := json.Unmarshal(v, &r); err != nil {
				return fmt.Errorf("%w: record %d of plan %s: %w", ErrDamaged, binary.BigEndian.Uint64(k), planID, err)
			}
			out = append(out, r)
			return nil
		})
	})
	return out, err
}

// number is a key that sorts by value.
func number(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

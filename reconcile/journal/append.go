package journal

import (
	"encoding/binary"
	"encoding/json"
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// Append writes records in one transaction, with their changes of the inventory, and returns when all of them are on the
// disk. After an error none is. Who has many at once gives them in one call: a call costs two syncs, however many they are.
func (s *Store) Append(records ...Record) error {
	data := make([][]byte, len(records))
	for n, r := range records {
		var err error
		if data[n], err = json.Marshal(r); err != nil {
			return fmt.Errorf("internal error: cannot write a record of %s: %w", r.Step, err)
		}
	}
	err := s.update(func(tx *bolt.Tx) error {
		for n := range records {
			if err := s.appendRecord(tx, &records[n], data[n]); err != nil {
				return err
			}
		}
		return nil
	})
	return named("cannot write the journal "+s.path, err)
}

func (s *Store) appendRecord(tx *bolt.Tx, r *Record, data []byte) error {
	b := tx.Bucket(bucketRecords).Bucket([]byte(r.Plan))
	if b == nil {
		return fmt.Errorf("internal error: the plan %s was not begun", r.Plan)
	}
	n, err := b.NextSequence()
	if err != nil {
		return err
	}
	if err := b.Put(number(n), data); err != nil {
		return err
	}
	if r.Update == nil {
		return nil
	}
	return s.applyUpdate(tx, *r.Update)
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

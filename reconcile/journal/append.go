package journal

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	bolt "go.etcd.io/bbolt"
)

// packedRecords is the first byte of a value that holds many records, deflated, a line each. A value that begins with a
// brace is one record as it is.
const packedRecords = 1

// Append writes records in one transaction, with their changes of the inventory, and returns when all of them are on the
// disk. After an error none is. Who has many at once gives them in one call: a call costs two syncs, however many they are.
func (s *Store) Append(records ...Record) error {
	var batches []batch
	for first := 0; first < len(records); {
		next := first + 1
		for next < len(records) && records[next].Plan == records[first].Plan {
			next++
		}
		b, err := newBatch(records[first:next])
		if err != nil {
			return err
		}
		batches, first = append(batches, b), next
	}
	err := s.update(func(tx *bolt.Tx) error {
		for _, b := range batches {
			if err := s.appendBatch(tx, b); err != nil {
				return err
			}
		}
		return nil
	})
	return named("cannot write the journal "+s.path, err)
}

// batch is records of one plan, and the value that holds them.
type batch struct {
	records []Record
	value   []byte
}

func newBatch(records []Record) (b batch, err error) {
	b.records = records
	if len(records) == 1 {
		b.value, err = json.Marshal(records[0])
	} else {
		b.value, err = pack([]byte{packedRecords}, func(w io.Writer) error {
			to := json.NewEncoder(w)
			for n := range records {
				if err := to.Encode(&records[n]); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err != nil {
		return b, fmt.Errorf("internal error: cannot write records of plan %s: %w", records[0].Plan, err)
	}
	return b, nil
}

func (s *Store) appendBatch(tx *bolt.Tx, batch batch) error {
	b := tx.Bucket(bucketRecords).Bucket([]byte(batch.records[0].Plan))
	if b == nil {
		return fmt.Errorf("internal error: the plan %s was not begun", batch.records[0].Plan)
	}
	b.FillPercent = 1 // keys only rise
	n, err := b.NextSequence()
	if err != nil {
		return err
	}
	if err := b.Put(number(n), batch.value); err != nil {
		return err
	}
	for _, r := range batch.records {
		if r.Update == nil {
			continue
		}
		if err := s.applyUpdate(tx, *r.Update); err != nil {
			return err
		}
	}
	return nil
}

// Records lists the records of a plan in the order in which they were written. Those of older plans are gone; see KeepWhole.
func (s *Store) Records(planID string) ([]Record, error) {
	var out []Record
	err := s.view(func(tx *bolt.Tx) error {
		b := tx.Bucket(bucketRecords).Bucket([]byte(planID))
		if b == nil {
			return nil
		}
		return b.ForEach(func(k, v []byte) (err error) {
			if out, err = readBatch(out, v); err != nil {
				return fmt.Errorf("%w: record %d of plan %s: %w", ErrDamaged, binary.BigEndian.Uint64(k), planID, err)
			}
			return nil
		})
	})
	return out, err
}

func readBatch(out []Record, value []byte) ([]Record, error) {
	var from io.Reader = bytes.NewReader(value)
	if len(value) > 0 && value[0] == packedRecords {
		from = flate.NewReader(bytes.NewReader(value[1:]))
	}
	for d := json.NewDecoder(from); ; {
		var r Record
		switch err := d.Decode(&r); {
		case errors.Is(err, io.EOF):
			return out, nil
		case err != nil:
			return out, err
		}
		out = append(out, r)
	}
}

// number is a key that sorts by value.
func number(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

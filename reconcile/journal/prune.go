package journal

import (
	"errors"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// What the history holds, so that the file does not grow for ever (bbolt reuses pages, it never gives them back). What is
// older goes when a plan ends; open plans stay whatever their age.
const (
	KeepPlans = 200      // ended plans: who, when, which verdict, and a summary
	KeepWhole = 20       // ended plans with their steps, records and result; the newest is always whole
	KeepBytes = 64 << 20 // of all these together, as they are kept
)

// prune drops what the history no longer holds.
func prune(tx *bolt.Tx) error {
	history := tx.Bucket(bucketHistory)
	var gone [][]byte // keys
	kept, bytes := 0, 0
	c := history.Cursor()
	for k, id := c.Last(); k != nil; k, id = c.Prev() {
		if tx.Bucket(bucketOpen).Get(id) != nil {
			continue
		}
		kept++
		if kept <= KeepWhole {
			bytes += wholeSize(tx, id)
		}
		if kept > 1 && (kept > KeepWhole || bytes > KeepBytes) {
			if err := dropBody(tx, id); err != nil {
				return err
			}
		}
		if kept > KeepPlans {
			gone = append(gone, k)
		}
	}
	for _, k := range gone {
		if err := tx.Bucket(bucketPlans).Delete(history.Get(k)); err != nil {
			return err
		}
		if err := history.Delete(k); err != nil {
			return err
		}
	}
	return nil
}

func wholeSize(tx *bolt.Tx, id []byte) (bytes int) {
	for _, in := range [][]byte{bucketBodies, bucketRecords} {
		if b := tx.Bucket(in).Bucket(id); b != nil {
			bytes += size(b)
		}
	}
	return bytes
}

func dropBody(tx *bolt.Tx, id []byte) error {
	for _, in := range [][]byte{bucketBodies, bucketRecords} {
		if err := tx.Bucket(in).DeleteBucket(id); err != nil && !errors.Is(err, berrors.ErrBucketNotFound) {
			return err
		}
	}
	return nil
}

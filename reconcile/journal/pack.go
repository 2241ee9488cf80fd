package journal

import (
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"sync"

	bolt "go.etcd.io/bbolt"
)

// level is where the same names and specs again and again cost a fifteenth of their size, at a few nanoseconds a byte; level 1
// keeps half as much again and is no faster.
const level = 2

// partSize lets two parts fill eight pages of 4 KiB. A large value in one piece needs as many pages in a row, which a file
// seldom has free, so that it would grow instead.
const partSize = 16352

var packers = sync.Pool{New: func() any {
	w, err := flate.NewWriter(nil, level)
	if err != nil {
		panic("internal error: " + err.Error()) // the level is a constant
	}
	return w
}}

// pack gives what write writes, deflated, behind a first byte.
func pack(first []byte, write func(io.Writer) error) ([]byte, error) {
	packed := bytes.NewBuffer(first)
	w := packers.Get().(*flate.Writer)
	defer packers.Put(w)
	w.Reset(packed)
	err := errors.Join(write(w), w.Close())
	return packed.Bytes(), err
}

// putParts keeps a packed value in a bucket of its own below another.
func putParts(b *bolt.Bucket, name string, packed []byte) error {
	parts, err := b.CreateBucket([]byte(name))
	if err != nil {
		return err
	}
	parts.FillPercent = 1 // nothing is ever put between them
	for n := uint64(1); len(packed) > 0; n++ {
		size := min(len(packed), partSize)
		if err := parts.Put(number(n), packed[:size]); err != nil {
			return err
		}
		packed = packed[size:]
	}
	return nil
}

// openParts reads what putParts kept, while the transaction lasts; nil when it kept nothing.
func openParts(b *bolt.Bucket, name string) io.Reader {
	if b == nil {
		return nil
	}
	parts := b.Bucket([]byte(name))
	if parts == nil {
		return nil
	}
	var all []io.Reader
	c := parts.Cursor()
	for k, v := c.First(); k != nil; k, v = c.Next() {
		all = append(all, bytes.NewReader(v))
	}
	return flate.NewReader(io.MultiReader(all...))
}

// size counts the bytes of all values of a bucket and of those below it.
func size(b *bolt.Bucket) (bytes int) {
	c := b.Cursor()
	for k, v := c.First(); k != nil; k, v = c.Next() {
		if v == nil {
			bytes += size(b.Bucket(k))
		}
		bytes += len(v)
	}
	return bytes
}

func damagedPlan(planID string, err error) error {
	return fmt.Errorf("%w: plan %s: %w", ErrDamaged, planID, err)
}

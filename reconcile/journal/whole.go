package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"runtime/debug"

	bolt "go.etcd.io/bbolt"
)

// bbolt maps the file and trusts it: a file that was cut off below its high-water mark ends the program with SIGBUS. So
// the length is checked against the newer valid meta page before the file is mapped. The layout is that of bbolt's
// internal/common/meta.go, in the machine's byte order: a page header of 16 bytes, then magic, version, page size and
// flags (4 bytes each), root (8), its sequence (8), freelist (8), high-water mark (8), transaction (8), and the FNV-1a 64
// of all that.
const (
	pageHeader = 16
	metaLength = 64
	boltMagic  = 0xED0CDAED
)

type metaPage struct {
	pageSize uint32
	high     uint64
	tx       uint64
}

func checkLength(path string) error {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.Size() == 0 {
		return nil // bbolt makes a new one of it: this is what a crash within the very first open leaves
	}
	newest, ok := newestMeta(f)
	switch {
	case !ok:
		return fmt.Errorf("%w: it has no valid header page", ErrDamaged)
	case uint64(info.Size()) < newest.high*uint64(newest.pageSize):
		return fmt.Errorf("%w: it is cut off at %d bytes of %d", ErrDamaged, info.Size(), newest.high*uint64(newest.pageSize))
	}
	return nil
}

// newestMeta finds the valid meta page of the higher transaction. The second one stands at the page size, which only the
// first one tells; when that is torn, the sizes that Linux has are tried.
func newestMeta(f io.ReaderAt) (metaPage, bool) {
	first, ok := readMetaPage(f, 0)
	sizes := []uint32{4096, 8192, 16384, 32768, 65536}
	if ok {
		sizes = []uint32{first.pageSize}
	}
	for _, size := range sizes {
		if second, valid := readMetaPage(f, int64(size)); valid && (!ok || second.tx > first.tx) {
			return second, true
		}
	}
	return first, ok
}

func readMetaPage(f io.ReaderAt, at int64) (metaPage, bool) {
	var raw [pageHeader + metaLength]byte
	if _, err := f.ReadAt(raw[:], at); err != nil {
		return metaPage{}, false
	}
	body := raw[pageHeader:]
	order := binary.NativeEndian
	sum := fnv.New64a()
	_, _ = sum.Write(body[:metaLength-8])
	if order.Uint32(body) != boltMagic || order.Uint64(body[metaLength-8:]) != sum.Sum64() {
		return metaPage{}, false
	}
	return metaPage{pageSize: order.Uint32(body[8:]), high: order.Uint64(body[40:]), tx: order.Uint64(body[48:])}, true
}

// checkWhole reads every key and value once, so that a damaged page is an error now and not in the middle of a plan.
func (s *Store) checkWhole() error {
	return s.view(func(tx *bolt.Tx) error {
		return tx.ForEach(func(_ []byte, b *bolt.Bucket) error { return readAll(b) })
	})
}

func readAll(b *bolt.Bucket) error {
	return b.ForEach(func(k, v []byte) error {
		if v == nil {
			if nested := b.Bucket(k); nested != nil {
				return readAll(nested)
			}
			return fmt.Errorf("%w: the key %q has no value", ErrDamaged, k)
		}
		if len(v) > 0 {
			_ = v[len(v)-1]
		}
		return nil
	})
}

// guard turns what bbolt does on a damaged page (a panic, or a fault in the mapped file) into ErrDamaged.
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
	return guard(func() error { return s.db.Update(write) })
}

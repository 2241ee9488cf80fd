package journal

import (
	"bytes"
	"hash/crc32"
	"hash/fnv"
	"testing"
	"time"

	"plumbline/reconcile/inventory"
	"plumbline/schema"
)

// Whatever a torn or rotten page says: no panic, no memory beyond the bytes that are there.
func FuzzRecords(f *testing.F) {
	f.Add([]byte(`{"kind":"begun"}{"kind":"done"}`))
	f.Add([]byte{packedRecords, 0xca, 0x00})
	f.Fuzz(func(t *testing.T, data []byte) {
		if records, err := readBatch(nil, data); err == nil && len(records) > 1100*len(data) { // deflate gives at most 1032 times its input
			t.Errorf("%d bytes gave %d records", len(data), len(records))
		}
	})
}

func FuzzEntry(f *testing.F) {
	at := time.Unix(1790000000, 0).UTC()
	f.Add(packEntry(&inventory.Entry{
		Instance: schema.Instance{ID: "vm/x", Host: "h"}, Spec: []byte(`{}`), AppliedAt: at, Retired: &at, Share: []string{"a"},
		After: []schema.Instance{{ID: "host/h", Host: "h"}}, Needs: []schema.Fact{{Type: "addr", Scope: "s", Value: "v"}},
	})[entryHead:])
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0x7f})
	f.Fuzz(func(t *testing.T, data []byte) {
		newEntryReader().entry(data)
		e, err := newEntryReader().entry(checksummed(data))
		if err != nil {
			return
		}
		if again, err := newEntryReader().entry(packEntry(e)); err != nil || !again.Same(e) {
			t.Errorf("%+v, then %+v, %v", e, again, err)
		}
	})
}

// checksummed is what the fuzzer would never guess: an entry with the right checksum.
func checksummed(data []byte) []byte {
	packed := packEntry(&inventory.Entry{})[:entryHead]
	packed = append(packed, data...)
	sum := crc32.Checksum(data, castagnoli)
	order := packed[1:entryHead]
	order[0], order[1], order[2], order[3] = byte(sum>>24), byte(sum>>16), byte(sum>>8), byte(sum)
	return packed
}

// The file as a whole, with headers whose checksum is right whatever they say.
func FuzzPages(f *testing.F) {
	f.Add([]byte("rotten"), uint32(4096), uint64(3), uint64(2), uint64(4), uint64(1))
	f.Add([]byte{}, uint32(0), uint64(1)<<63, uint64(1)<<62, ^uint64(0), uint64(1))
	f.Add(bytes.Repeat([]byte{1}, 9000), uint32(4096), uint64(2), uint64(2), uint64(1)<<52, uint64(1))
	f.Fuzz(func(t *testing.T, rest []byte, pageSize uint32, root, free, high, tx uint64) {
		data := make([]byte, 4096, 4096+len(rest))
		body := data[pageHeader:][:metaLength]
		order.PutUint32(body, boltMagic)
		order.PutUint32(body[8:], pageSize)
		for at, value := range map[int]uint64{16: root, 32: free, 40: high, 48: tx} {
			order.PutUint64(body[at:], value)
		}
		sum := fnv.New64a()
		sum.Write(body[:metaLength-8])
		order.PutUint64(body[metaLength-8:], sum.Sum64())
		checkPages(append(data, rest...))
		checkPages(rest)
	})
}

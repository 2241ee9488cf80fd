package main

import (
	"bytes"
	"compress/flate"
	"io"
	"os"

	bolt "go.etcd.io/bbolt"
)

// searchStore looks into the values of a journal, most of which are deflated, with or without a byte before, some in parts.
func searchStore(seen *sightings, name string, data []byte) {
	copied, err := os.CreateTemp("", "canary-*.db")
	if err != nil {
		return
	}
	defer os.Remove(copied.Name())
	_, err = copied.Write(data)
	if copied.Close() != nil || err != nil {
		return
	}
	defer func() { recover() }() // bbolt panics over torn pages, which tests make
	db, err := bolt.Open(copied.Name(), 0o600, &bolt.Options{ReadOnly: true})
	if err != nil {
		return
	}
	defer db.Close()
	db.View(func(tx *bolt.Tx) error {
		return tx.ForEach(func(_ []byte, b *bolt.Bucket) error { return searchBucket(seen, name, b) })
	})
}

func searchBucket(seen *sightings, name string, b *bolt.Bucket) error {
	var all []byte
	err := b.ForEach(func(k, v []byte) error {
		if v == nil {
			return searchBucket(seen, name, b.Bucket(k))
		}
		inflated(seen, name, v)
		all = append(all, v...)
		return nil
	})
	inflated(seen, name, all)
	return err
}

func inflated(seen *sightings, name string, value []byte) {
	for skip := 0; skip <= 1 && skip < len(value); skip++ {
		text, _ := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(value[skip:])), mostFile))
		seen.search(text, "the journal %s", name)
	}
}

package journal

import (
	"encoding/json"
	"fmt"
	"maps"
	"sync"
	"time"

	"plumbline/reconcile/inventory"
	"plumbline/schema"

	bolt "go.etcd.io/bbolt"
)

// owned is the inventory as it was read last, and what was written since.
type owned struct {
	reading sync.Mutex
	all     inventory.Inventory // never changed once it was given away; nil = not read yet

	noting  sync.Mutex
	written map[string]bool // keys that were written and not read again
}

// note remembers, when a transaction is on the disk, that it wrote a key.
func (o *owned) note(tx *bolt.Tx, key string) {
	tx.OnCommit(func() {
		o.noting.Lock()
		defer o.noting.Unlock()
		if o.written == nil {
			o.written = map[string]bool{}
		}
		o.written[key] = true
	})
}

// news gives what was written since it was asked last.
func (o *owned) news() map[string]bool {
	o.noting.Lock()
	defer o.noting.Unlock()
	written := o.written
	o.written = nil
	return written
}

// Inventory gives all entries. Only those that were written since the last call are read; the others are the same, so that
// neither the map nor an entry may be changed by who gets them.
func (s *Store) Inventory() (inventory.Inventory, error) {
	s.owned.reading.Lock()
	defer s.owned.reading.Unlock()
	written := s.owned.news()
	all, err := s.readInventory(s.owned.all, written)
	if err != nil {
		all = nil // and everything is read again next time
	}
	s.owned.all = all
	if all == nil {
		return inventory.Inventory{}, err
	}
	return all, nil
}

func (s *Store) readInventory(before inventory.Inventory, written map[string]bool) (all inventory.Inventory, err error) {
	if before != nil && len(written) == 0 {
		return before, nil
	}
	err = s.view(func(tx *bolt.Tx) error {
		reader := newEntryReader()
		if before == nil {
			all = inventory.Inventory{}
			return tx.Bucket(bucketInventory).ForEach(func(k, v []byte) error { return enter(all, reader, k, v) })
		}
		all = maps.Clone(before)
		for key := range written {
			delete(all, schema.ParseInstance(key))
			if v := tx.Bucket(bucketInventory).Get([]byte(key)); v != nil {
				if err := enter(all, reader, []byte(key), v); err != nil {
					return err
				}
			}
		}
		return nil
	})
	return all, err
}

func enter(all inventory.Inventory, reader *entryReader, k, v []byte) error {
	e, err := reader.entry(v)
	if err != nil {
		return fmt.Errorf("%w: inventory of %s: %w", ErrDamaged, k, err)
	}
	all[e.Instance] = e
	return nil
}

// Entry reads one entry; nil when there is none.
func (s *Store) Entry(i schema.Instance) (*inventory.Entry, error) {
	var e *inventory.Entry
	err := s.view(func(tx *bolt.Tx) (err error) {
		e, err = readEntry(tx, i)
		return err
	})
	return e, err
}

// Change updates the inventory outside of a plan: adopting, recovering, forgetting.
func (s *Store) Change(updates ...Update) error {
	err := s.update(func(tx *bolt.Tx) error {
		for _, u := range updates {
			if err := s.applyUpdate(tx, u); err != nil {
				return err
			}
		}
		return nil
	})
	return named("cannot change the inventory", err)
}

// Unstick takes an instance out of its freeze, when somebody has seen to it; it tells whether it was stuck. One that was never
// seen as applied is forgotten: what it left, if anything, carries its mark.
func (s *Store) Unstick(i schema.Instance) (bool, error) {
	was := false
	err := s.update(func(tx *bolt.Tx) error {
		e, err := readEntry(tx, i)
		if err != nil || e == nil || e.Stuck == "" {
			return err
		}
		was, e.Stuck = true, ""
		if e.AppliedAt.IsZero() {
			return s.applyUpdate(tx, Update{Delete: &i})
		}
		return s.applyUpdate(tx, Update{Put: e})
	})
	return was, named("cannot release "+i.String(), err)
}

func readEntry(tx *bolt.Tx, i schema.Instance) (*inventory.Entry, error) {
	all, key := inventory.Inventory{}, []byte(i.String())
	value := tx.Bucket(bucketInventory).Get(key)
	if value == nil {
		return nil, nil
	}
	err := enter(all, newEntryReader(), key, value)
	return all[i], err
}

func (s *Store) applyUpdate(tx *bolt.Tx, u Update) error {
	b := tx.Bucket(bucketInventory)
	if u.Delete != nil {
		s.owned.note(tx, u.Delete.String())
		if err := b.Delete([]byte(u.Delete.String())); err != nil {
			return err
		}
	}
	if u.Put == nil {
		return nil
	}
	s.owned.note(tx, u.Put.Instance.String())
	return b.Put([]byte(u.Put.Instance.String()), packEntry(u.Put))
}

// Parked is an effect that failed: a lane with the same digest is held until it changes or somebody resumes it.
type Parked struct {
	Plan   string    `json:"plan"`
	Commit string    `json:"commit"`
	Reason string    `json:"reason"`
	At     time.Time `json:"at"`
}

// Parked lists the parked effects by lane effect digest.
func (s *Store) Parked() (map[string]Parked, error) {
	out := map[string]Parked{}
	err := s.view(func(tx *bolt.Tx) error {
		return tx.Bucket(bucketParked).ForEach(func(k, v []byte) error {
			var p Parked
			if err := json.Unmarshal(v, &p); err != nil {
				return fmt.Errorf("%w: parked effect %s: %w", ErrDamaged, k, err)
			}
			out[string(k)] = p
			return nil
		})
	})
	return out, err
}

// Unpark lets an effect be tried again; it tells whether it was parked.
func (s *Store) Unpark(digest string) (bool, error) {
	was := false
	err := s.update(func(tx *bolt.Tx) error {
		was = tx.Bucket(bucketParked).Get([]byte(digest)) != nil
		return park(tx, nil, []string{digest})
	})
	return was, named("cannot release the effect "+digest, err)
}

func park(tx *bolt.Tx, in map[string]Parked, out []string) error {
	b := tx.Bucket(bucketParked)
	for _, digest := range out {
		if err := b.Delete([]byte(digest)); err != nil {
			return err
		}
	}
	for digest, p := range in {
		if err := put(b, digest, p); err != nil {
			return err
		}
	}
	return nil
}

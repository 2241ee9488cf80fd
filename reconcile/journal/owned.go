package journal

import (
	"encoding/json"
	"fmt"
	"time"

	"plumbline/reconcile/inventory"
	"plumbline/schema"

	bolt "go.etcd.io/bbolt"
)

// Inventory reads all entries.
func (s *Store) Inventory() (inventory.Inventory, error) {
	out := inventory.Inventory{}
	err := s.view(func(tx *bolt.Tx) error {
		return tx.Bucket(bucketInventory).ForEach(func(k, v []byte) error {
			e := &inventory.Entry{}
			if err := json.Unmarshal(v, e); err != nil {
				return fmt.Errorf("%w: inventory of %s: %w", ErrDamaged, k, err)
			}
			out[e.Instance] = e
			return nil
		})
	})
	return out, err
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
			if err := applyUpdate(tx, u); err != nil {
				return err
			}
		}
		return nil
	})
	return named("cannot change the inventory", err)
}

// Unstick takes an instance out of its freeze, when somebody has seen to it; it tells whether it was stuck.
func (s *Store) Unstick(i schema.Instance) (bool, error) {
	was := false
	err := s.update(func(tx *bolt.Tx) error {
		e, err := readEntry(tx, i)
		if err != nil || e == nil || e.Stuck == "" {
			return err
		}
		was, e.Stuck = true, ""
		return applyUpdate(tx, Update{Put: e})
	})
	return was, named("cannot release "+i.String(), err)
}

func readEntry(tx *bolt.Tx, i schema.Instance) (*inventory.Entry, error) {
	e := &inventory.Entry{}
	ok, err := get(tx.Bucket(bucketInventory), i.String(), e)
	if !ok {
		return nil, err
	}
	return e, nil
}

func applyUpdate(tx *bolt.Tx, u Update) error {
	b := tx.Bucket(bucketInventory)
	if u.Put != nil {
		return put(b, u.Put.Instance.String(), u.Put)
	}
	if u.Delete != nil {
		return b.Delete([]byte(u.Delete.String()))
	}
	return nil
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

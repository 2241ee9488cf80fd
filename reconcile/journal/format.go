package journal

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"plumbline/reconcile/inventory"

	bolt "go.etcd.io/bbolt"
)

// Format of the file that this code writes; it reads the older ones, and opening for writing makes this one of them. It rises
// when an older plumb would misread the file.
//
//	1  a plan is one value, which holds all of it; a record is a value
//	2  the head of a plan is a value, its body stands apart, deflated; records that were written together are one value, deflated
//	3  an entry of the inventory is packed, with a checksum, and no longer JSON; it and a plan name the facts that are needed
//	   instead of all who provide them
const Format = 3

// ErrNewer means that a newer plumb wrote the file; nothing in it was changed.
var ErrNewer = errors.New("it was written by a newer plumb")

var (
	bucketMeta      = []byte("meta")
	bucketPlans     = []byte("plans")
	bucketBodies    = []byte("bodies")
	bucketOpen      = []byte("open")
	bucketRecords   = []byte("records")
	bucketHistory   = []byte("history")
	bucketInventory = []byte("inventory")
	bucketParked    = []byte("parked")
	buckets         = [][]byte{bucketMeta, bucketPlans, bucketBodies, bucketOpen, bucketRecords, bucketHistory, bucketInventory, bucketParked}
)

// Commits are the commits that the state remembers.
type Commits struct {
	Applied string `json:"applied,omitempty"` // the last one that was applied in full
	Highest string `json:"highest,omitempty"` // the newest one that was ever accepted: going back behind it is a rewind

	Trusted string `json:"trusted,omitempty"` // the newest one whose signatures were judged; "" = Highest counts
	Signer  string `json:"signer,omitempty"`  // who signed Highest
	Key     string `json:"key,omitempty"`     // with which key
	Once    *Once  `json:"once,omitempty"`    // a commit that is to be accepted unjudged
}

// Judged is the commit whose ancestors need no judging any more.
func (c Commits) Judged() string { return cmp.Or(c.Trusted, c.Highest) }

// Once is an operator's word for a commit, and all that it builds on, that nobody signed who may.
type Once struct {
	Commit string    `json:"commit"`
	Reason string    `json:"reason"`
	By     string    `json:"by"`
	At     time.Time `json:"at"`
}

type meta struct {
	Format       int     `json:"format"`
	Writer       string  `json:"writer,omitempty"` // version of the plumb that opened it last for writing
	Installation string  `json:"installation"`
	Epoch        uint64  `json:"epoch"`
	Used         *uint64 `json:"used,omitempty"`   // highest epoch that a host may have heard of from this state; nil = Epoch
	Behind       string  `json:"behind,omitempty"` // why nothing may be changed with this state; "" = it may
	Commits      Commits `json:"commits"`
}

// used is the highest epoch that a host may have heard of from this state. Files of older plumbs do not tell it.
func (m meta) used() uint64 {
	if m.Used == nil {
		return m.Epoch
	}
	return *m.Used
}

const metaKey = "meta"

// readMeta reads the header. A file without one is new.
func readMeta(tx *bolt.Tx) (meta, error) {
	var m meta
	b := tx.Bucket(bucketMeta)
	if b == nil {
		return m, nil
	}
	_, err := get(b, metaKey, &m)
	return m, err
}

// checkFormat reads no more than the format's number and the writer before it knows that it can read the rest.
func (s *Store) checkFormat() error {
	return guard(func() error {
		return s.db.View(func(tx *bolt.Tx) error {
			b := tx.Bucket(bucketMeta)
			if b == nil {
				return nil
			}
			var head struct {
				Format int    `json:"format"`
				Writer string `json:"writer"`
			}
			data := b.Get([]byte(metaKey))
			if err := json.Unmarshal(data, &head); err != nil || head.Format < 1 {
				return fmt.Errorf("%w: it has no header", ErrDamaged)
			}
			if head.Format > Format {
				return fmt.Errorf("%w: its format is %d, this plumb reads up to %d; use plumb %s", ErrNewer, head.Format, Format, head.Writer)
			}
			return nil
		})
	})
}

func (s *Store) loadMeta() error {
	return s.view(func(tx *bolt.Tx) error {
		m, err := readMeta(tx)
		s.remember(m)
		return err
	})
}

func (s *Store) remember(m meta) {
	s.epoch.Store(m.Epoch)
	s.used.Store(m.used())
	if s.installation != m.Installation { // it is read without a lock; only Rebuild changes it
		s.installation = m.Installation
	}
}

// startEpoch makes what a new file lacks and raises the epoch.
func (s *Store) startEpoch(o Options) error {
	return s.update(func(tx *bolt.Tx) error {
		for _, name := range buckets {
			if _, err := tx.CreateBucketIfNotExists(name); err != nil {
				return err
			}
		}
		m, err := readMeta(tx)
		if err != nil {
			return err
		}
		if m.Format == 1 {
			if err := splitPlans(tx); err != nil {
				return err
			}
		}
		if m.Format > 0 && m.Format < 3 {
			if err := packInventory(tx); err != nil {
				return err
			}
		}
		if m.Installation == "" {
			m.Installation = cmp.Or(o.Installation, NewInstallation())
		}
		used := m.used()
		m.Format, m.Writer, m.Used = Format, o.Version, &used
		m.Epoch++
		s.remember(m)
		return put(tx.Bucket(bucketMeta), metaKey, m)
	})
}

// splitPlans makes heads and bodies of the plans of format 1.
func splitPlans(tx *bolt.Tx) error {
	var ids []string
	if err := tx.Bucket(bucketPlans).ForEach(func(id, _ []byte) error {
		ids = append(ids, string(id))
		return nil
	}); err != nil {
		return err
	}
	for _, id := range ids {
		past, err := readKept(tx, id)
		if err != nil {
			return err
		}
		if err := splitPlan(tx, past); err != nil {
			return err
		}
	}
	return prune(tx)
}

// packInventory packs the entries of format 2.
func packInventory(tx *bolt.Tx) error {
	all, reader, b := inventory.Inventory{}, newEntryReader(), tx.Bucket(bucketInventory)
	if err := b.ForEach(func(k, v []byte) error { return enter(all, reader, k, v) }); err != nil {
		return err
	}
	for _, e := range all {
		if err := b.Put([]byte(e.Instance.String()), packEntry(e)); err != nil {
			return err
		}
	}
	return nil
}

func splitPlan(tx *bolt.Tx, past Past) error {
	whole, err := pack(nil, past.Plan.WriteLines)
	if err != nil {
		return err
	}
	result := past.Result
	past.Result = nil
	if err := putPast(tx, past, whole); err != nil || len(result) == 0 {
		return err
	}
	return putResult(tx, past.Plan.ID, result)
}

// NewInstallation is an ID that no other state has, 8 hex digits.
func NewInstallation() string {
	var id [4]byte
	_, _ = rand.Read(id[:]) // never fails: crypto/rand ends the program instead
	return hex.EncodeToString(id[:])
}

// Commits tells the remembered commits.
func (s *Store) Commits() (Commits, error) {
	var c Commits
	err := s.view(func(tx *bolt.Tx) error {
		m, err := readMeta(tx)
		c = m.Commits
		return err
	})
	return c, err
}

// Accept remembers the newest commit that was accepted, who signed it, and whether its signatures were judged.
func (s *Store) Accept(commit, signer, key string, judged bool) error {
	return s.update(func(tx *bolt.Tx) error {
		return changeCommits(tx, func(c *Commits) {
			*c = Commits{Applied: c.Applied, Highest: commit, Signer: signer, Key: key}
			if judged {
				c.Trusted = commit
			}
		})
	})
}

// Rewind forgets which commit was the newest, not which was trusted.
func (s *Store) Rewind() error {
	return s.update(func(tx *bolt.Tx) error {
		return changeCommits(tx, func(c *Commits) { c.Trusted, c.Highest = c.Judged(), "" })
	})
}

// TrustOnce remembers an operator's word until a commit is accepted.
func (s *Store) TrustOnce(once Once) error {
	return s.update(func(tx *bolt.Tx) error {
		return changeCommits(tx, func(c *Commits) { c.Once = &once })
	})
}

func changeCommits(tx *bolt.Tx, change func(*Commits)) error {
	m, err := readMeta(tx)
	if err != nil {
		return err
	}
	change(&m.Commits)
	return put(tx.Bucket(bucketMeta), metaKey, m)
}

package journal

import (
	"encoding/json"
	"fmt"
	"time"

	"plumbline/reconcile/plan"

	bolt "go.etcd.io/bbolt"
)

// KeepPlans is how many ended plans the history holds; older ones go when a plan ends, so that the file does not grow
// for ever (bbolt reuses pages, it never gives them back).
const KeepPlans = 200

// Past is a plan in the history.
type Past struct {
	Plan    *plan.Plan      `json:"plan"`
	BegunAt time.Time       `json:"begun_at"`
	EndedAt *time.Time      `json:"ended_at,omitempty"` // nil = open: it runs, or waits to be resumed
	Verdict string          `json:"verdict,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"` // as the runner told it
}

// Ending is what is written, in one transaction, when a plan has come to its end.
type Ending struct {
	At      time.Time
	Verdict string
	Result  json.RawMessage
	Applied string            // commit that is now applied in full, or ""
	Updates []Update          // inventory of what needed no step
	Park    map[string]Parked // failed effects by lane effect digest
	Unpark  []string          // digests of lanes that went through
}

// Begin records a plan before its first step. A plan ID is used once.
func (s *Store) Begin(p *plan.Plan, at time.Time) error {
	err := s.update(func(tx *bolt.Tx) error {
		plans := tx.Bucket(bucketPlans)
		if plans.Get([]byte(p.ID)) != nil {
			return fmt.Errorf("internal error: there is a plan %s already", p.ID)
		}
		if err := put(plans, p.ID, Past{Plan: p, BegunAt: at}); err != nil {
			return err
		}
		if _, err := tx.Bucket(bucketRecords).CreateBucket([]byte(p.ID)); err != nil {
			return err
		}
		history := tx.Bucket(bucketHistory)
		n, err := history.NextSequence()
		if err != nil {
			return err
		}
		if err := history.Put(number(n), []byte(p.ID)); err != nil {
			return err
		}
		return tx.Bucket(bucketOpen).Put([]byte(p.ID), []byte{})
	})
	return named("cannot begin plan "+p.ID, err)
}

// End closes an open plan.
func (s *Store) End(planID string, e Ending) error {
	err := s.update(func(tx *bolt.Tx) error {
		if err := endPast(tx, planID, e); err != nil {
			return err
		}
		for _, u := range e.Updates {
			if err := s.applyUpdate(tx, u); err != nil {
				return err
			}
		}
		if err := park(tx, e.Park, e.Unpark); err != nil {
			return err
		}
		if e.Applied != "" {
			if err := changeCommits(tx, func(c *Commits) { c.Applied = e.Applied }); err != nil {
				return err
			}
		}
		if err := tx.Bucket(bucketOpen).Delete([]byte(planID)); err != nil {
			return err
		}
		return prune(tx)
	})
	return named("cannot end plan "+planID, err)
}

// OpenPlans lists the plans that were begun and have not ended, oldest first.
func (s *Store) OpenPlans() ([]*plan.Plan, error) {
	var out []*plan.Plan
	err := s.view(func(tx *bolt.Tx) error {
		open := tx.Bucket(bucketOpen)
		return tx.Bucket(bucketHistory).ForEach(func(_, id []byte) error {
			if open.Get(id) == nil {
				return nil
			}
			past, err := readPast(tx, string(id))
			out = append(out, past.Plan)
			return err
		})
	})
	return out, err
}

// Plan reads one plan of the history.
func (s *Store) Plan(planID string) (Past, error) {
	var past Past
	err := s.view(func(tx *bolt.Tx) (err error) {
		past, err = readPast(tx, planID)
		return err
	})
	return past, err
}

// History lists the newest n plans, newest first.
func (s *Store) History(n int) ([]Past, error) {
	var out []Past
	err := s.view(func(tx *bolt.Tx) error {
		c := tx.Bucket(bucketHistory).Cursor()
		for k, id := c.Last(); k != nil && len(out) < n; k, id = c.Prev() {
			past, err := readPast(tx, string(id))
			if err != nil {
				return err
			}
			out = append(out, past)
		}
		return nil
	})
	return out, err
}

// endPast adds the end to what is kept of a plan. The plan itself, which may be of many megabytes, is copied as it stands.
func endPast(tx *bolt.Tx, planID string, e Ending) error {
	plans := tx.Bucket(bucketPlans)
	begun := plans.Get([]byte(planID))
	if begun == nil || tx.Bucket(bucketOpen).Get([]byte(planID)) == nil {
		return fmt.Errorf("no plan %s is open", planID)
	}
	end, err := json.Marshal(struct {
		EndedAt time.Time       `json:"ended_at"`
		Verdict string          `json:"verdict,omitempty"`
		Result  json.RawMessage `json:"result,omitempty"`
	}{e.At, e.Verdict, e.Result})
	if err != nil {
		return fmt.Errorf("internal error: cannot write the end of plan %s: %w", planID, err)
	}
	whole := make([]byte, 0, len(begun)+len(end))
	whole = append(append(whole, begun[:len(begun)-1]...), ',') // two objects become one
	return plans.Put([]byte(planID), append(whole, end[1:]...))
}

func readPast(tx *bolt.Tx, planID string) (Past, error) {
	var past Past
	ok, err := get(tx.Bucket(bucketPlans), planID, &past)
	if err == nil && (!ok || past.Plan == nil) {
		err = fmt.Errorf("no plan %s is in the history", planID)
	}
	return past, err
}

// prune drops the oldest ended plans. Open ones stay whatever their age.
func prune(tx *bolt.Tx) error {
	history := tx.Bucket(bucketHistory)
	var keys, ids [][]byte
	c := history.Cursor()
	kept := 0
	for k, id := c.Last(); k != nil; k, id = c.Prev() {
		if tx.Bucket(bucketOpen).Get(id) != nil {
			continue
		}
		if kept++; kept > KeepPlans {
			keys, ids = append(keys, k), append(ids, id)
		}
	}
	for i, id := range ids {
		if err := tx.Bucket(bucketPlans).Delete(id); err != nil {
			return err
		}
		if err := tx.Bucket(bucketRecords).DeleteBucket(id); err != nil {
			return err
		}
		if err := history.Delete(keys[i]); err != nil {
			return err
		}
	}
	return nil
}

func named(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}

package journal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"plumbline/reconcile/plan"

	bolt "go.etcd.io/bbolt"
)

// Past is a plan in the history.
type Past struct {
	Plan    *plan.Plan      `json:"plan"`
	Summary string          `json:"summary"` // of the plan, in a line
	BegunAt time.Time       `json:"begun_at"`
	EndedAt *time.Time      `json:"ended_at,omitempty"` // nil = open: it runs, or waits to be resumed
	Verdict string          `json:"verdict,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"` // as the runner told it; nil when the plan is no longer kept whole
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

// The values below the bucket of a plan in bucketBodies.
const (
	bodyPlan   = "plan"
	bodyResult = "result"
)

// Begin records a plan before its first step, which is a new epoch. A plan ID is used once.
func (s *Store) Begin(p *plan.Plan, at time.Time) error {
	body, err := pack(nil, p.WriteLines)
	if err != nil {
		return fmt.Errorf("internal error: cannot write plan %s: %w", p.ID, err)
	}
	err = s.update(func(tx *bolt.Tx) error {
		if tx.Bucket(bucketPlans).Get([]byte(p.ID)) != nil {
			return fmt.Errorf("internal error: there is a plan %s already", p.ID)
		}
		if err := putPast(tx, Past{Plan: p, BegunAt: at}, body); err != nil {
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
		if err := tx.Bucket(bucketOpen).Put([]byte(p.ID), []byte{}); err != nil {
			return err
		}
		return s.raise(tx)
	})
	return named("cannot begin plan "+p.ID, err)
}

// putPast writes the head of a plan, and its body.
func putPast(tx *bolt.Tx, past Past, body []byte) error {
	id := past.Plan.ID
	b, err := tx.Bucket(bucketBodies).CreateBucket([]byte(id))
	if err != nil {
		return err
	}
	if err := putParts(b, bodyPlan, body); err != nil {
		return err
	}
	past.Plan, past.Summary = past.Plan.Head(), past.Plan.Summary()
	return put(tx.Bucket(bucketPlans), id, past)
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

// endPast adds the end to what is kept of a plan.
func endPast(tx *bolt.Tx, planID string, e Ending) error {
	past, err := readHead(tx, planID)
	if err != nil || tx.Bucket(bucketOpen).Get([]byte(planID)) == nil {
		return fmt.Errorf("no plan %s is open", planID)
	}
	past.EndedAt, past.Verdict = &e.At, e.Verdict
	if err := put(tx.Bucket(bucketPlans), planID, past); err != nil || len(e.Result) == 0 {
		return err
	}
	return putResult(tx, planID, e.Result)
}

func putResult(tx *bolt.Tx, planID string, result []byte) error {
	packed, err := pack(nil, func(w io.Writer) error {
		_, err := w.Write(result)
		return err
	})
	if err != nil {
		return err
	}
	return putParts(body(tx, planID), bodyResult, packed)
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

// Plan reads one plan of the history: with all of its parts as long as it is kept whole, see KeepWhole.
func (s *Store) Plan(planID string) (Past, error) {
	var past Past
	err := s.view(func(tx *bolt.Tx) (err error) {
		past, err = readPast(tx, planID)
		return err
	})
	return past, err
}

// History lists the newest n plans, newest first: of each the head, with its summary and result, without changes, steps
// and lanes.
func (s *Store) History(n int) ([]Past, error) {
	var out []Past
	err := s.view(func(tx *bolt.Tx) error {
		c := tx.Bucket(bucketHistory).Cursor()
		for k, id := c.Last(); k != nil && len(out) < n; k, id = c.Prev() {
			past, err := readHead(tx, string(id))
			if err == nil {
				err = readResult(tx, &past)
			}
			if err != nil {
				return err
			}
			out = append(out, past)
		}
		return nil
	})
	return out, err
}

// readHead reads what is kept of a plan at any age.
func readHead(tx *bolt.Tx, planID string) (Past, error) {
	past, err := readKept(tx, planID)
	if err == nil && past.Summary == "" { // of format 1, where the plan stands in its head
		past.Summary = past.Plan.Summary()
		past.Plan = past.Plan.Head()
	}
	return past, err
}

func readKept(tx *bolt.Tx, planID string) (Past, error) {
	var past Past
	ok, err := get(tx.Bucket(bucketPlans), planID, &past)
	if err == nil && (!ok || past.Plan == nil) {
		err = fmt.Errorf("no plan %s is in the history", planID)
	}
	return past, err
}

func readResult(tx *bolt.Tx, past *Past) error {
	from := openParts(body(tx, past.Plan.ID), bodyResult)
	if from == nil {
		return nil
	}
	var result bytes.Buffer
	if _, err := result.ReadFrom(from); err != nil {
		return damagedPlan(past.Plan.ID, err)
	}
	past.Result = result.Bytes()
	return nil
}

// readPast reads all that is kept of a plan. In format 1 all of it stands in the head.
func readPast(tx *bolt.Tx, planID string) (Past, error) {
	past, err := readKept(tx, planID)
	if err != nil {
		return past, err
	}
	if from := openParts(body(tx, planID), bodyPlan); from != nil {
		whole, err := plan.ReadLines(from)
		if err != nil {
			return past, damagedPlan(planID, err)
		}
		past.Plan = whole
	}
	return past, readResult(tx, &past)
}

// body is where a plan is kept whole; nil when it is not, or in format 1.
func body(tx *bolt.Tx, planID string) *bolt.Bucket {
	if b := tx.Bucket(bucketBodies); b != nil {
		return b.Bucket([]byte(planID))
	}
	return nil
}

func named(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}

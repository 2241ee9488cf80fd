package journal_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"plumbline/actuators"
	"plumbline/reconcile/inventory"
	"plumbline/reconcile/journal"
	"plumbline/reconcile/plan"
	"plumbline/schema"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

func open(t *testing.T, path string) *journal.Store {
	t.Helper()
	s, err := journal.Open(path, journal.Options{Version: "v1.2.3"})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func entry(name, hash string) *inventory.Entry {
	return &inventory.Entry{Instance: schema.MakeID("vm", name).On("jino0"), Hash: hash, Spec: json.RawMessage(`{"cpu":1}`)}
}

func TestEveryOpeningForWritingIsANewEpochOfTheSameInstallation(t *testing.T) {
	path := filepath.Join(t.TempDir(), "deep", "state.db")
	s := open(t, path)
	id := s.Installation()
	if len(id) != 8 || s.Epoch() != 1 {
		t.Fatalf("installation %q, epoch %d", id, s.Epoch())
	}
	must(t, s.Close())
	s = open(t, path)
	if s.Installation() != id || s.Epoch() != 2 {
		t.Errorf("installation %q, epoch %d, want %q, 2", s.Installation(), s.Epoch(), id)
	}
	must(t, s.Close())
	reader, err := journal.Open(path, journal.Options{ReadOnly: true})
	must(t, err)
	if reader.Epoch() != 2 || reader.Installation() != id {
		t.Errorf("a reader has epoch %d, want 2", reader.Epoch())
	}
	must(t, reader.Close())
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
}

func TestASecondProcessIsToldThatTheStateIsInUse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	if journal.Held(path) {
		t.Error("a state that is not there is held")
	}
	s := open(t, path)
	if !journal.Held(path) {
		t.Error("the open state is not held")
	}
	defer s.Close()
	_, err := journal.Open(path, journal.Options{})
	if !errors.Is(err, journal.ErrInUse) || err.Error() != "cannot open the state "+path+": it is in use by another plumb" {
		t.Errorf("%v", err)
	}
}

func TestAFileOfANewerPlumbIsRefusedByNameAndNotChanged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	must(t, open(t, path).Close())
	db, err := bolt.Open(path, 0o600, nil)
	must(t, err)
	must(t, db.Update(func(tx *bolt.Tx) error {
		return tx.Bucket([]byte("meta")).Put([]byte("meta"), []byte(`{"format":4,"writer":"v9.0.0","installation":{"another":"form"}}`))
	}))
	must(t, db.Close())
	before, _ := os.ReadFile(path)
	_, err = journal.Open(path, journal.Options{})
	if !errors.Is(err, journal.ErrNewer) || !strings.Contains(err.Error(), "its format is 4, this plumb reads up to 3; use plumb v9.0.0") {
		t.Errorf("%v", err)
	}
	if after, _ := os.ReadFile(path); !reflect.DeepEqual(before, after) {
		t.Error("the file was changed")
	}
}

func TestAPlanIsOpenUntilItEndsAndThenHistory(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "state.db"))
	defer s.Close()
	must(t, s.Begin(&plan.Plan{ID: "p2", Commit: "c2"}, noon))
	must(t, s.Begin(&plan.Plan{ID: "p1", Commit: "c1"}, noon))
	if err := s.Begin(&plan.Plan{ID: "p1"}, noon); err == nil {
		t.Error("a plan ID was used twice")
	}
	if got := openIDs(t, s); got != "p2 p1" {
		t.Errorf("open: %s", got)
	}
	must(t, s.End("p2", journal.Ending{
		At: noon.Add(time.Minute), Verdict: "applied", Result: json.RawMessage(`{"n":1}`), Applied: "c2",
		Updates: []journal.Update{{Put: entry("a", "h")}}, Park: map[string]journal.Parked{"sha256:x": {Plan: "p2", Reason: "bad"}},
	}))
	if got := openIDs(t, s); got != "p1" {
		t.Errorf("open: %s", got)
	}
	past, err := s.History(5)
	must(t, err)
	if len(past) != 2 || past[0].Plan.ID != "p1" || past[1].Verdict != "applied" || string(past[1].Result) != `{"n":1}` {
		t.Errorf("%+v", past)
	}
	commits, _ := s.Commits()
	must(t, s.Accept("c3", "", "", false))
	after, _ := s.Commits()
	if commits.Applied != "c2" || after != (journal.Commits{Applied: "c2", Highest: "c3"}) {
		t.Errorf("%+v %+v", commits, after)
	}
	parked, _ := s.Parked()
	if parked["sha256:x"].Reason != "bad" {
		t.Errorf("%+v", parked)
	}
	was, err := s.Unpark("sha256:x")
	if again, _ := s.Unpark("sha256:x"); err != nil || !was || again {
		t.Errorf("unpark: %v %v %v", was, again, err)
	}
}

func openIDs(t *testing.T, s *journal.Store) string {
	t.Helper()
	plans, err := s.OpenPlans()
	must(t, err)
	var ids []string
	for _, p := range plans {
		ids = append(ids, p.ID)
	}
	return strings.Join(ids, " ")
}

func TestTheInventoryChangesWithItsRecordAndBack(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "state.db"))
	defer s.Close()
	must(t, s.Begin(&plan.Plan{ID: "p1"}, noon))
	update := journal.Update{Put: entry("a", "new"), Prior: entry("a", "old")}
	must(t, s.Append(journal.Record{Plan: "p1", Step: "s1", State: journal.Done, Update: &update}))
	if e, _ := s.Entry(update.Put.Instance); e == nil || e.Hash != "new" {
		t.Errorf("%+v", e)
	}
	back := update.Reverse()
	must(t, s.Append(journal.Record{Plan: "p1", Step: "s1", State: journal.Undone, Update: &back}))
	if e, _ := s.Entry(update.Put.Instance); e == nil || e.Hash != "old" {
		t.Errorf("%+v", e)
	}
	fresh := journal.Update{Put: entry("b", "new")}
	gone := fresh.Reverse()
	must(t, s.Change(fresh, gone))
	if all, _ := s.Inventory(); len(all) != 1 {
		t.Errorf("%+v", all)
	}
	if err := s.Append(journal.Record{Plan: "p9", Update: &fresh}); err == nil {
		t.Error("a record of a plan that was not begun was taken")
	}
	if all, _ := s.Inventory(); len(all) != 1 {
		t.Error("the update of a refused record was kept")
	}
}

func TestAStuckInstanceIsReleasedOnce(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "state.db"))
	defer s.Close()
	e := entry("a", "h")
	e.Stuck, e.AppliedAt = "why", noon
	must(t, s.Change(journal.Update{Put: e}))
	was, err := s.Unstick(e.Instance)
	again, _ := s.Unstick(e.Instance)
	if err != nil || !was || again {
		t.Errorf("%v %v %v", was, again, err)
	}
	if e, _ := s.Entry(e.Instance); e.Stuck != "" || e.Hash != "h" {
		t.Errorf("%+v", e)
	}
}

// TestWhatWasNeverAppliedIsForgottenWhenItIsReleased: else it would count as lost, and what holds data is not made anew then.
func TestWhatWasNeverAppliedIsForgottenWhenItIsReleased(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "state.db"))
	defer s.Close()
	e := entry("a", "h")
	e.Stuck = "why"
	must(t, s.Change(journal.Update{Put: e}))
	if was, err := s.Unstick(e.Instance); err != nil || !was {
		t.Errorf("%v %v", was, err)
	}
	if e, _ := s.Entry(e.Instance); e != nil {
		t.Errorf("%+v", e)
	}
}

func TestConcurrentAppendsAreAllThereInTheOrderOfEachWriter(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "state.db"))
	defer s.Close()
	must(t, s.Begin(&plan.Plan{ID: "p1"}, noon))
	const writers, each = 16, 25
	var wait sync.WaitGroup
	for w := range writers {
		wait.Go(func() {
			for n := range each {
				if err := s.Append(journal.Record{Plan: "p1", Lane: w, Step: fmt.Sprint(n), State: journal.Done}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
	records, err := s.Records("p1")
	must(t, err)
	next := map[int]int{}
	for _, r := range records {
		if r.Step != fmt.Sprint(next[r.Lane]) {
			t.Fatalf("writer %d: %s, want %d", r.Lane, r.Step, next[r.Lane])
		}
		next[r.Lane]++
	}
	if len(records) != writers*each {
		t.Errorf("%d records, want %d", len(records), writers*each)
	}
}

func TestOldPlansGoAndOpenOnesStay(t *testing.T) {
	s := open(t, filepath.Join(memory(t), "state.db"))
	defer s.Close()
	must(t, s.Begin(&plan.Plan{ID: "open"}, noon))
	for n := range journal.KeepPlans + 5 {
		id := fmt.Sprintf("p%03d", n)
		must(t, s.Begin(&plan.Plan{ID: id}, noon))
		must(t, s.Append(journal.Record{Plan: id, Step: "s", State: journal.Done}))
		must(t, s.End(id, journal.Ending{At: noon}))
	}
	past, err := s.History(10 * journal.KeepPlans)
	must(t, err)
	if len(past) != journal.KeepPlans+1 || past[len(past)-1].Plan.ID != "open" || past[len(past)-2].Plan.ID != "p005" {
		t.Errorf("%d plans, the oldest %s, %s", len(past), past[len(past)-1].Plan.ID, past[len(past)-2].Plan.ID)
	}
	if records, _ := s.Records("p000"); len(records) != 0 {
		t.Error("the records of a plan that went are there")
	}
	if openIDs(t, s) != "open" {
		t.Error("the open plan went")
	}
}

func TestOnlyTheNewestPlansAreKeptWhole(t *testing.T) {
	s := open(t, filepath.Join(memory(t), "state.db"))
	defer s.Close()
	step := actuators.Step{ID: "s", Op: "grow", Instance: schema.MakeID("vm", "a").On("h")}
	run := func(id string) {
		must(t, s.Begin(&plan.Plan{ID: id, Commit: "c" + id, Steps: []actuators.Step{step}}, noon))
		must(t, s.Append(journal.Record{Plan: id, Step: "s", State: journal.Begun}, journal.Record{Plan: id, Step: "s", State: journal.Done}))
		must(t, s.End(id, journal.Ending{At: noon, Verdict: "applied", Result: json.RawMessage(`{"n":1}`)}))
	}
	for n := range journal.KeepWhole + 1 {
		run(fmt.Sprintf("p%02d", n))
	}
	old, err := s.Plan("p00")
	must(t, err)
	records, _ := s.Records("p00")
	if old.Plan.Commit != "cp00" || old.Summary != "no change; 1 step in 0 lanes" || old.Verdict != "applied" || old.Plan.Steps != nil || old.Result != nil || records != nil {
		t.Errorf("%+v %v", old, records)
	}
	whole, err := s.Plan("p01")
	must(t, err)
	records, _ = s.Records("p01")
	if len(whole.Plan.Steps) != 1 || string(whole.Result) != `{"n":1}` || len(records) != 2 || records[1].State != journal.Done {
		t.Errorf("%+v %v", whole, records)
	}
}

// TestTheFileStopsGrowing runs plans that change the same thing; what cannot be deflated fills KeepBytes after a few.
func TestTheFileStopsGrowing(t *testing.T) {
	path := filepath.Join(memory(t), "state.db")
	s := open(t, path)
	defer s.Close()
	noise := make([]byte, 3*journal.KeepBytes/16)
	_, _ = rand.Read(noise)
	text, err := json.Marshal(noise)
	must(t, err)
	var sizes []int64
	for n := range 12 {
		id := fmt.Sprint("p", n)
		must(t, s.Begin(&plan.Plan{ID: id, Steps: []actuators.Step{{ID: "s", Params: text}}}, noon))
		must(t, s.End(id, journal.Ending{At: noon}))
		info, err := os.Stat(path)
		must(t, err)
		sizes = append(sizes, info.Size())
	}
	if sizes[7] != sizes[11] || sizes[11] > 2*journal.KeepBytes {
		t.Errorf("sizes %d", sizes)
	}
	newest, err := s.Plan("p11")
	must(t, err)
	if len(newest.Plan.Steps) != 1 || !bytes.Equal(newest.Plan.Steps[0].Params, text) {
		t.Error("the newest plan is not whole")
	}
}

// memory is a directory where syncing costs nothing.
func memory(t testing.TB) string {
	dir, err := os.MkdirTemp("/dev/shm", "plumb-journal-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

package journal_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"pgregory.net/rapid"

	"plumbline/reconcile/journal"
	"plumbline/reconcile/plan"
)

// filled is the bytes of a state as a power cut finds it: open, with a plan in the middle.
func filled(t *testing.T, dir string) (data []byte, acknowledged int) {
	path := filepath.Join(dir, "filled.db")
	s := open(t, path)
	defer s.Close()
	must(t, s.Begin(&plan.Plan{ID: "p1"}, noon))
	for n := range 60 {
		e := entry(fmt.Sprint("vm", n), "h")
		must(t, s.Append(journal.Record{Plan: "p1", Step: fmt.Sprint(n), State: journal.Done, Update: &journal.Update{Put: e}}))
		acknowledged++
	}
	data, err := os.ReadFile(path)
	must(t, err)
	return data, acknowledged
}

// readEverything opens a state and reads all of it; it gives the number of records.
func readEverything(path string) (int, error) {
	s, err := journal.Open(path, journal.Options{})
	if err != nil {
		return 0, err
	}
	defer s.Close()
	if _, err := s.Inventory(); err != nil {
		return 0, err
	}
	if _, err := s.OpenPlans(); err != nil {
		return 0, err
	}
	if _, err := s.History(10); err != nil {
		return 0, err
	}
	records, err := s.Records("p1")
	return len(records), err
}

func TestAFileThatWasCutOffOpensWholeOrSaysSo(t *testing.T) {
	dir := memory(t)
	data, acknowledged := filled(t, dir)
	path := filepath.Join(dir, "cut.db")
	rapid.Check(t, func(t *rapid.T) {
		length := rapid.IntRange(0, len(data)).Draw(t, "length")
		if err := os.WriteFile(path, data[:length], 0o600); err != nil {
			t.Fatal(err)
		}
		n, err := readEverything(path)
		switch {
		case err != nil && !errors.Is(err, journal.ErrDamaged):
			t.Errorf("cut at %d: %v", length, err)
		case err == nil && length > 0 && n != acknowledged:
			t.Errorf("cut at %d: it opens and %d of %d records are there", length, n, acknowledged)
		}
	})
}

func TestAFileWithAnOverwrittenPageSaysSoOrReads(t *testing.T) {
	dir := memory(t)
	data, _ := filled(t, dir)
	path := filepath.Join(dir, "overwritten.db")
	refused := 0
	rapid.Check(t, func(t *rapid.T) {
		torn := append([]byte(nil), data...)
		page := rapid.IntRange(0, len(data)/4096-1).Draw(t, "page")
		from := rapid.IntRange(0, 4095).Draw(t, "from")
		fill := rapid.SampledFrom([]byte{0, 0xff, 'x'}).Draw(t, "fill")
		for n := from; n < 4096; n++ {
			torn[page*4096+n] = fill
		}
		if err := os.WriteFile(path, torn, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := readEverything(path); err != nil {
			refused++
			if !errors.Is(err, journal.ErrDamaged) {
				t.Errorf("page %d from %d: %v", page, from, err)
			}
		}
	})
	if refused == 0 {
		t.Error("no damage was seen at all")
	}
}

func TestALostLastHeaderFallsBackToTheOneBefore(t *testing.T) {
	dir := memory(t)
	data, acknowledged := filled(t, dir)
	path := filepath.Join(dir, "header.db")
	for page := range 2 {
		torn := append([]byte(nil), data...)
		for n := range 512 { // a sector: what a disk writes at once
			torn[page*4096+n] = 0
		}
		must(t, os.WriteFile(path, torn, 0o600))
		n, err := readEverything(path)
		if err != nil || n < acknowledged-1 {
			t.Errorf("header %d: %d of %d records, %v", page, n, acknowledged, err)
		}
	}
}

func TestWhatIsNoStateIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	must(t, os.WriteFile(path, []byte("a letter, not a database\n"), 0o600))
	if _, err := journal.Open(path, journal.Options{}); !errors.Is(err, journal.ErrDamaged) {
		t.Errorf("%v", err)
	}
}

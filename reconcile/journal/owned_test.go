package journal_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plumbline/reconcile/inventory"
	"plumbline/reconcile/journal"
)

// What Inventory keeps in memory is what stands in the file, whatever was written between two calls; what it gave before
// stays as it was.
func TestTheInventoryInMemoryIsTheOneOfTheFile(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	s := open(t, filepath.Join(t.TempDir(), "state.db"))
	defer s.Close()
	want, given := inventory.Inventory{}, inventory.Inventory{}
	for turn := range 60 {
		before, size := given, len(given)
		for range random.IntN(4) {
			e := entry(fmt.Sprint(random.IntN(9)), fmt.Sprint(turn))
			if random.IntN(3) == 0 {
				must(t, s.Change(journal.Update{Delete: &e.Instance}))
				delete(want, e.Instance)
				continue
			}
			must(t, s.Change(journal.Update{Put: e}))
			want[e.Instance] = e
		}
		var err error
		if given, err = s.Inventory(); err != nil || cmp.Diff(want, given) != "" || len(before) != size {
			t.Fatalf("turn %d: %v %s", turn, err, cmp.Diff(want, given))
		}
	}
}

// A renaming takes the entry of the earlier name away with the one that it puts, and its way back puts that again.
func TestARenamingMovesAnEntryAndBack(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "state.db"))
	defer s.Close()
	old, now := entry("pay", "a"), entry("payroll", "b")
	must(t, s.Change(journal.Update{Put: old}))
	move := journal.Update{Put: now, Delete: &old.Instance, Prior: old}
	names := func() (all []string) {
		inv, err := s.Inventory()
		must(t, err)
		for i, e := range inv {
			all = append(all, string(i.ID)+" "+e.Hash)
		}
		return all
	}
	must(t, s.Change(move))
	if got := names(); len(got) != 1 || got[0] != "vm/payroll b" {
		t.Errorf("after the move: %q", got)
	}
	must(t, s.Change(move.Reverse()))
	if got := names(); len(got) != 1 || got[0] != "vm/pay a" {
		t.Errorf("after the way back: %q", got)
	}
}

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

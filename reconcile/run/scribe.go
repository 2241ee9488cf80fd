package run

import (
	"fmt"

	"plumbline/reconcile/journal"
)

// entry is records that wait for the journal, and what follows when they are on the disk.
type entry struct {
	records []journal.Record
	then    func()
}

type written struct {
	entries []entry
	err     error
}

// write hands records to the journal. While it writes, others gather, and go together in the next transaction: the more
// steps are under way, the fewer syncs each of them costs.
func (r *runner) write(records []journal.Record, then func()) {
	now := r.in.Now()
	for n := range records {
		records[n].Plan, records[n].At = r.plan.ID, now
	}
	r.unwritten = append(r.unwritten, entry{records, then})
	r.flush()
}

func (r *runner) flush() {
	if r.writing || len(r.unwritten) == 0 || r.dead() != nil {
		return
	}
	w := written{entries: r.unwritten}
	r.unwritten, r.writing = nil, true
	go func() {
		var all []journal.Record
		for _, e := range w.entries {
			all = append(all, e.records...)
		}
		w.err = r.in.Store.Append(all...)
		r.written <- w
	}()
}

// acknowledge goes on with what is on the disk. When the journal cannot be written nothing more may be done: the run is
// dead.
func (r *runner) acknowledge(w written) {
	r.writing = false
	if w.err != nil {
		r.kill(fmt.Errorf("%w: %w", errJournal, w.err))
	}
	if r.dead() != nil {
		return
	}
	for _, e := range w.entries {
		e.then()
	}
	r.flush()
}

package mirror

import (
	"bytes"
	"maps"
	"slices"
	"sync"
	"time"

	"plumbline/actuators"
	"plumbline/reconcile/diff"
	"plumbline/schema"
)

// entry is what is known of one host and kind.
type entry struct {
	place
	turn sync.Mutex // one look at a time

	mu       sync.Mutex
	look     *diff.Look         // the newest whole one that succeeded; never changed
	targets  []actuators.Target // that it was made with, sorted
	stamp    string             // from before it; "" = none
	read     time.Time          // when it began
	standing bool               // a watch hears everything
	due      due                // hinted at since the look began
}

// due is what must be looked at.
type due struct {
	all bool
	ids map[schema.ID]bool
}

// duesMost is how many hints are followed one by one; more are a look at everything.
const duesMost = 64

func (d *due) add(ids ...schema.ID) {
	for _, id := range ids {
		if d.all = d.all || id == "" || len(d.ids) >= duesMost; d.all {
			d.ids = nil
			return
		}
		if d.ids == nil {
			d.ids = map[schema.ID]bool{}
		}
		d.ids[id] = true
	}
}

func (d *due) merge(other due) {
	if other.all {
		d.add("")
	}
	d.add(slices.Collect(maps.Keys(other.ids))...)
}

func (d *due) none() bool { return !d.all && len(d.ids) == 0 }

// question is what is asked of an entry.
type question struct {
	scope actuators.Scope
	stamp string        // of the scope, just now; "" = not known
	at    time.Time     // when the stamp was asked for
	trust time.Duration // how long a watch vouches for a look
}

// vouched tells since when, at the latest, the look is known to be true; false when nothing vouches for it. Which targets are
// asked for plays no part. The caller holds the lock.
func (e *entry) vouched(ask question, now time.Time, resync time.Duration) (time.Time, bool) {
	switch {
	case e.look == nil:
	case ask.stamp != "":
		return ask.at, ask.stamp == e.stamp && (resync <= 0 || now.Sub(e.read) < resyncStamped*resync)
	case e.standing && !e.due.all && now.Sub(e.read) < ask.trust:
		return e.look.At, true
	}
	return time.Time{}, false
}

// missing lists the targets that the look was not made with. Both are sorted by ID.
func (e *entry) missing(asked []actuators.Target) []actuators.Target {
	if len(asked) == len(e.targets) && (len(asked) == 0 || &asked[0] == &e.targets[0]) {
		return nil
	}
	var out []actuators.Target
	n := 0
	for _, t := range asked {
		for n < len(e.targets) && e.targets[n].ID < t.ID {
			n++
		}
		if n == len(e.targets) || e.targets[n].ID != t.ID || !bytes.Equal(e.targets[n].Spec, t.Spec) {
			out = append(out, t)
		}
	}
	return out
}

// dues gives the targets of what was hinted at: with their specs where they are known.
func (e *entry) dues() []actuators.Target {
	var out []actuators.Target
	for id := range e.due.ids {
		t := actuators.Target{ID: id}
		if n, ok := slices.BinarySearchFunc(e.targets, id, byID); ok {
			t = e.targets[n]
		}
		out = append(out, t)
	}
	return out
}

func byID(t actuators.Target, id schema.ID) int {
	switch {
	case t.ID < id:
		return -1
	case t.ID > id:
		return 1
	}
	return 0
}

// begin takes what is due into a look; it comes back with done if the look fails.
func (e *entry) begin(ids []actuators.Target, all bool) (taken due) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if all {
		taken, e.due = e.due, due{}
		return taken
	}
	for _, t := range ids {
		if e.due.ids[t.ID] {
			taken.add(t.ID)
			delete(e.due.ids, t.ID)
		}
	}
	return taken
}

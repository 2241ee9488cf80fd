package drift

import (
	"sync"
	"time"

	"plumbline/reconcile/inventory"
)

// snapshot is the inventory at one time, without what was set aside.
type snapshot struct {
	inventory inventory.Inventory
	places    map[place][]*inventory.Entry
}

// owned keeps a snapshot, because reading ten thousand entries for every event would cost more than the look. Whatever we
// apply makes it forget; what somebody changes beside the engine (a release by hand) is seen after ownedFor.
type owned struct {
	read func() (inventory.Inventory, error)
	now  func() time.Time

	mu   sync.Mutex
	last *snapshot
	at   time.Time
}

const ownedFor = 5 * time.Second

func (o *owned) forget() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.last = nil
}

func (o *owned) get() (*snapshot, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.last != nil && o.now().Sub(o.at) < ownedFor {
		return o.last, nil
	}
	at := o.now()
	all, err := o.read()
	if err != nil {
		return nil, err
	}
	s := &snapshot{inventory: inventory.Inventory{}, places: map[place][]*inventory.Entry{}}
	for i, entry := range all {
		if entry.Retired == nil {
			s.inventory[i] = entry
			s.places[placeOf(i)] = append(s.places[placeOf(i)], entry)
		}
	}
	o.last, o.at = s, at
	return s, nil
}

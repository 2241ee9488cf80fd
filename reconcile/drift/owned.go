package drift

import (
	"slices"
	"strings"
	"sync"

	"plumbline/actuators"
	"plumbline/reconcile/inventory"
)

// snapshot is the inventory at one time, without what was set aside.
type snapshot struct {
	inventory inventory.Inventory
	places    map[place][]*inventory.Entry // sorted
}

// scope asks for all of a place.
func (s *snapshot) scope(p place) actuators.Scope {
	targets := make([]actuators.Target, 0, len(s.places[p]))
	for _, entry := range s.places[p] {
		targets = append(targets, entry.Target())
	}
	return actuators.Scope{All: true, Targets: targets}
}

// part asks for what was hinted at alone; false when a hint names nothing, or something that we know nothing of.
func (s *snapshot) part(p place, told hints) (actuators.Scope, bool) {
	var scope actuators.Scope
	for id := range told {
		entry := s.inventory[id.On(p.host)]
		if entry == nil {
			return scope, false
		}
		scope.Targets = append(scope.Targets, entry.Target())
	}
	return scope, len(told) > 0 && len(told) <= partMost
}

// partMost is how many hints are looked at one by one; more are a look at everything.
const partMost = 64

// owned keeps a snapshot, because reading ten thousand entries for every event would cost more than the look. Whatever
// changes the inventory makes it forget, and every sweep does.
type owned struct {
	read func() (inventory.Inventory, error)

	mu   sync.Mutex
	last *snapshot
}

func (o *owned) forget() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.last = nil
}

func (o *owned) get() (*snapshot, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.last != nil {
		return o.last, nil
	}
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
	for _, entries := range s.places {
		slices.SortFunc(entries, func(a, b *inventory.Entry) int { return strings.Compare(string(a.Instance.ID), string(b.Instance.ID)) })
	}
	o.last = s
	return s, nil
}

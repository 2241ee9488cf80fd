// Package diff compares the desired graph with what was seen of the world and what the inventory says we own. It is pure:
// no I/O, clock, randomness or log. It imports schema, actuators and inventory only.
package diff

import (
	"fmt"
	"slices"
	"time"

	"plumbline/actuators"
	"plumbline/schema"
)

// Look is the answer of one host about one kind. It is not changed once it is in a World: what is seen later is another
// Look. The same Look again says that nothing changed, and so does one of the same number.
type Look struct {
	Host  string
	Kind  string
	All   bool // the whole kind was asked for and answered
	Found []actuators.Observed
	Err   string // why the look failed; then Found says nothing and everything here is unknown
	At    time.Time
	Rev   uint64 // two looks at a host and kind of one number, not 0, by one process found the same; 0 says nothing
}

// repeats tells whether a look says of itself that it found what another found.
func (l *Look) repeats(other *Look) bool {
	return l != nil && other != nil && l.Rev != 0 && l.Rev == other.Rev && l.Err == "" && other.Err == ""
}

// World is what was seen: at most one look per host and kind.
type World struct {
	looks map[place]*Look
	seen  sightings // made when first asked for
}

type place struct{ host, kind string }

// NewWorld holds looks.
func NewWorld(looks ...*Look) *World {
	w := &World{looks: map[place]*Look{}}
	for _, look := range looks {
		w.Add(look)
	}
	return w
}

// Add puts in a look, in place of an earlier one of the same host and kind.
func (w *World) Add(look *Look) {
	key := place{look.Host, look.Kind}
	if w.seen != nil {
		w.seen.forget(w.looks[key])
		w.seen.enter(look)
	}
	w.looks[key] = look
}

// remove takes out the look of a place.
func (w *World) remove(key place) {
	w.seen.forget(w.looks[key])
	delete(w.looks, key)
}

// Look finds the look at a kind on a host, or nil when nobody looked.
func (w *World) Look(host, kind string) *Look { return w.looks[place{host, kind}] }

// Same tells whether another world shows the same under an ID, byte for byte.
func (w *World) Same(other *World, id schema.ID) bool {
	return slices.EqualFunc(w.index()[id], other.index()[id], func(a, b sighting) bool {
		return a.look.Host == b.look.Host && a.look.Kind == b.look.Kind && a.Observed.Same(b.Observed)
	})
}

// Oldest is when the oldest look that succeeded began to be true; zero when there is none.
func (w *World) Oldest() (at time.Time) {
	for _, look := range w.looks {
		if look.Err == "" && (at.IsZero() || look.At.Before(at)) {
			at = look.At
		}
	}
	return at
}

// Looks lists all looks, sorted by host and kind.
func (w *World) Looks() []*Look {
	all := make([]*Look, 0, len(w.looks))
	for _, look := range w.looks {
		all = append(all, look)
	}
	slices.SortFunc(all, func(a, b *Look) int {
		return schema.MakeID(a.Kind, "").On(a.Host).Compare(schema.MakeID(b.Kind, "").On(b.Host))
	})
	return all
}

// Hidden names what a look found and could not see, and why; "" when it saw all.
func (l *Look) Hidden() string {
	hidden, why := 0, ""
	for n := range l.Found {
		if one := &l.Found[n]; one.Unknown != "" {
			if hidden++; why == "" {
				why = string(one.ID) + " is unknown: " + one.Unknown
			}
		}
	}
	if hidden > 1 {
		why += fmt.Sprintf(" (and %d more)", hidden-1)
	}
	return why
}

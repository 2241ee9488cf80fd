// Package diff compares the desired graph with what was seen of the world and what the inventory says we own. It is pure:
// no I/O, clock, randomness or log. It imports schema, actuators and inventory only.
package diff

import (
	"encoding/json"
	"slices"
	"time"

	"plumbline/actuators"
	"plumbline/schema"
)

// Look is the answer of one host about one kind.
type Look struct {
	Host  string
	Kind  string
	All   bool // the whole kind was asked for and answered
	Found []actuators.Observed
	Err   string // why the look failed; then Found says nothing and everything here is unknown
	At    time.Time
	Rev   uint64 // two looks at a host and kind of one number, not 0, by one process found the same; 0 says nothing
}

// World is what was seen: at most one look per host and kind.
type World struct {
	looks     map[place]*Look
	sightings map[schema.ID][]sighting
}

type place struct{ host, kind string }

// sighting is one thing that a look found.
type sighting struct {
	look *Look
	*actuators.Observed
}

func (s sighting) ours(installation string) bool {
	return s.Mark != nil && s.Mark.Installation == installation
}

// NewWorld indexes looks.
func NewWorld(looks ...*Look) *World {
	w := &World{looks: map[place]*Look{}, sightings: map[schema.ID][]sighting{}}
	for _, look := range looks {
		w.Add(look)
	}
	return w
}

// Add puts in a look, in place of an earlier one of the same host and kind.
func (w *World) Add(look *Look) {
	key := place{look.Host, look.Kind}
	if old := w.looks[key]; old != nil {
		w.forget(old)
	}
	w.looks[key] = look
	if look.Err != "" {
		return
	}
	for n := range look.Found {
		found := &look.Found[n]
		w.sightings[found.ID] = append(w.sightings[found.ID], sighting{look, found})
	}
}

func (w *World) forget(look *Look) {
	for _, found := range look.Found {
		w.sightings[found.ID] = slices.DeleteFunc(w.sightings[found.ID], func(s sighting) bool { return s.look == look })
	}
}

// Look finds the look at a kind on a host, or nil when nobody looked.
func (w *World) Look(host, kind string) *Look { return w.looks[place{host, kind}] }

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

// have gathers what is there of an instance. listed: the inventory says that it is ours, which counts where no mark is
// possible. known is false when the look failed or was not made; then why says so.
func (w *World) have(k *actuators.Kind, i schema.Instance, installation string, listed bool) (have actuators.HaveJSON, known bool, why string) {
	look := w.Look(i.Host, i.ID.Kind())
	switch {
	case look == nil:
		return have, false, "nobody looked at it"
	case look.Err != "":
		return have, false, look.Err
	}
	for _, s := range w.sightings[i.ID] {
		ours := s.ours(installation)
		switch {
		case s.look != look:
			if ours && !s.Retired && s.look.Kind == look.Kind {
				if have.Elsewhere == nil {
					have.Elsewhere = map[string]json.RawMessage{}
				}
				have.Elsewhere[s.look.Host] = s.State
			}
		case s.Retired:
			if ours {
				have.Retired = s.State
			}
		case have.Here == nil || ours: // ours goes before a foreign thing of the same name
			have.Here, have.Mark = s.State, s.Mark
			have.Owned = ours || (s.Mark == nil && k.Unmarked && (listed || !k.Changes()))
		}
	}
	return have, true, ""
}

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
}

// World is what was seen: at most one look per host and kind.
type World struct {
	looks map[place]*Look
	kinds map[string][]*Look
}

type place struct{ host, kind string }

// NewWorld indexes looks.
func NewWorld(looks ...*Look) *World {
	w := &World{looks: map[place]*Look{}, kinds: map[string][]*Look{}}
	for _, look := range looks {
		w.Add(look)
	}
	return w
}

// Add puts in a look, in place of an earlier one of the same host and kind.
func (w *World) Add(look *Look) {
	key := place{look.Host, look.Kind}
	if old := w.looks[key]; old != nil {
		w.kinds[look.Kind] = slices.DeleteFunc(w.kinds[look.Kind], func(l *Look) bool { return l == old })
	}
	w.looks[key] = look
	w.kinds[look.Kind] = append(w.kinds[look.Kind], look)
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

// have gathers what is there of an instance. known is false when the look failed or was not made; then why says so.
func (w *World) have(k *actuators.Kind, i schema.Instance, installation string, listed bool) (have actuators.HaveJSON, known bool, why string) {
	look := w.Look(i.Host, i.ID.Kind())
	switch {
	case look == nil:
		return have, false, "nobody looked at it"
	case look.Err != "":
		return have, false, look.Err
	}
	for n := range look.Found {
		found := &look.Found[n]
		if found.ID != i.ID {
			continue
		}
		ours := found.Mark != nil && found.Mark.Installation == installation
		if found.Retired {
			if ours {
				have.Retired = found.State
			}
			continue
		}
		if have.Here != nil && !ours {
			continue // ours goes before a foreign thing of the same name
		}
		have.Here, have.Mark = found.State, found.Mark
		have.Owned = ours || (found.Mark == nil && k.Unmarked && (listed || !k.Changes()))
	}
	have.Elsewhere = w.elsewhere(i, installation)
	return have, true, ""
}

// elsewhere finds what carries our mark for the same object on other hosts.
func (w *World) elsewhere(i schema.Instance, installation string) map[string]json.RawMessage {
	var out map[string]json.RawMessage
	for _, look := range w.kinds[i.ID.Kind()] {
		if look.Host == i.Host || look.Err != "" {
			continue
		}
		for n := range look.Found {
			found := &look.Found[n]
			if found.ID == i.ID && !found.Retired && found.Mark != nil && found.Mark.Installation == installation {
				if out == nil {
					out = map[string]json.RawMessage{}
				}
				out[look.Host] = found.State
			}
		}
	}
	return out
}

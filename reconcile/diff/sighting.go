package diff

import (
	"encoding/json"
	"slices"

	"plumbline/actuators"
	"plumbline/schema"
)

// sighting is one thing that a look found.
type sighting struct {
	look *Look
	*actuators.Observed
}

func (s sighting) ours(installation string) bool {
	return s.Mark != nil && s.Mark.Installation == installation
}

// sightings is where things of an object's name were seen.
type sightings map[schema.ID][]sighting

// index is the sightings of all looks.
func (w *World) index() sightings {
	if w.seen == nil {
		things := 0
		for _, look := range w.looks {
			things += len(look.Found)
		}
		w.seen = make(sightings, things)
		for _, look := range w.looks {
			w.seen.enter(look)
		}
	}
	return w.seen
}

// enter indexes what a look found. Few objects are seen more than once, so that the lists of all are cut from one array.
func (s sightings) enter(look *Look) {
	if look.Err != "" {
		return
	}
	all := make([]sighting, len(look.Found))
	for n := range look.Found {
		all[n] = sighting{look, &look.Found[n]}
		if id := look.Found[n].ID; s[id] == nil {
			s[id] = all[n : n+1 : n+1]
		} else {
			s[id] = append(s[id], all[n])
		}
	}
}

func (s sightings) forget(look *Look) {
	if look == nil {
		return
	}
	for n := range look.Found {
		id := look.Found[n].ID
		kept := slices.DeleteFunc(slices.Clone(s[id]), func(one sighting) bool { return one.look == look })
		if len(kept) == 0 {
			delete(s, id)
		} else {
			s[id] = kept
		}
	}
}

// seen is what was seen of one object: on the hosts where it belongs, by look if there are many, and where it does not.
type seen struct {
	world  *World
	all    []sighting
	byLook map[*Look][]sighting
	astray []sighting
}

// of gathers the sightings of an object. declared tells where it belongs; nil is nowhere.
func (w *World) of(id schema.ID, declared func(host string) bool) seen {
	const few = 8
	s := seen{world: w, all: w.index()[id]}
	for _, one := range s.all {
		if declared == nil || !declared(one.look.Host) {
			s.astray = append(s.astray, one)
		}
	}
	if len(s.all) > few {
		s.byLook = map[*Look][]sighting{}
		for _, one := range s.all {
			s.byLook[one.look] = append(s.byLook[one.look], one)
		}
	}
	return s
}

func (s seen) in(look *Look) []sighting {
	if s.byLook != nil {
		return s.byLook[look]
	}
	return s.all
}

// have gathers what is there of an instance. listed: the inventory says that it is ours, which counts where no mark is
// possible. known is false when the look failed, was not made or could not see this object; then why says so.
func (s seen) have(k *actuators.Kind, host, installation string, listed bool) (have actuators.HaveJSON, known bool, why string) {
	look := s.world.Look(host, k.Name)
	switch {
	case look == nil:
		return have, false, "nobody looked at it"
	case look.Err != "":
		return have, false, look.Err
	}
	for _, one := range s.in(look) {
		ours := one.ours(installation)
		switch {
		case one.look != look:
		case one.Unknown != "":
			return actuators.HaveJSON{}, false, one.Unknown
		case one.Retired:
			if ours {
				have.Retired = one.State
			}
		case have.Here == nil || ours: // ours goes before a foreign thing of the same name
			have.Here, have.Mark = one.State, one.Mark
			have.Owned = ours || (one.Mark == nil && k.Unmarked && (listed || !k.Changes()))
		}
	}
	for _, one := range s.astray {
		if one.look != look && one.ours(installation) && !one.Retired && one.look.Kind == look.Kind {
			if have.Elsewhere == nil {
				have.Elsewhere = map[string]json.RawMessage{}
			}
			have.Elsewhere[one.look.Host] = one.State
		}
	}
	return have, true, ""
}

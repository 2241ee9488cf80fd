package diff

import (
	"maps"
	"slices"

	"plumbline/actuators"
	"plumbline/schema"
)

// news is what was seen otherwise than before.
type news struct {
	objects map[schema.ID]bool
	places  map[place]bool // where a look began or ceased to answer: everything there
}

// of tells whether there is news of an object, whose nodes these are.
func (n news) of(nodes []*schema.Node) bool {
	if n.objects[nodes[0].ID] {
		return true
	}
	if len(n.places) == 0 {
		return false
	}
	kind := nodes[0].ID.Kind()
	return slices.ContainsFunc(nodes, func(node *schema.Node) bool { return n.places[place{node.Host, kind}] })
}

// look takes in what was seen and gives what differs. Under other kinds or as another installation everything is forgotten.
func (r *Resident) look(in Input) news {
	if r.world == nil || r.kinds != in.Kinds || r.installation != in.Installation {
		*r = Resident{kinds: in.Kinds, installation: in.Installation, world: NewWorld(slices.Collect(maps.Values(in.World.looks))...)}
		return news{}
	}
	out := news{map[schema.ID]bool{}, map[place]bool{}}
	for key, now := range in.World.looks {
		if before := r.world.looks[key]; before != now && !now.repeats(before) {
			out.compare(key, before, now)
			r.world.Add(now)
		}
	}
	for key, before := range r.world.looks {
		if in.World.looks[key] == nil {
			out.compare(key, before, nil)
			r.world.remove(key)
		}
	}
	return out
}

// compare notes what two looks at one place do not show alike. Nil is no look.
func (n news) compare(key place, before, now *Look) {
	if failed(before) != failed(now) || failed(now) && (before == nil || now == nil || before.Err != now.Err) {
		n.places[key] = true
	}
	old := found(before)
	for id, things := range found(now) {
		if !slices.EqualFunc(old[id], things, (*actuators.Observed).Same) {
			n.objects[id] = true
		}
		delete(old, id)
	}
	for id := range old {
		n.objects[id] = true
	}
}

func failed(look *Look) bool { return look == nil || look.Err != "" }

// found is what a look shows, by name.
func found(look *Look) map[schema.ID][]*actuators.Observed {
	if failed(look) {
		return nil
	}
	out := make(map[schema.ID][]*actuators.Observed, len(look.Found))
	for n := range look.Found {
		out[look.Found[n].ID] = append(out[look.Found[n].ID], &look.Found[n])
	}
	return out
}

package diff

import (
	"slices"

	"plumbline/reconcile/inventory"
	"plumbline/schema"
)

// block takes out of the changes what belongs to a refused object or waits for something refused, directly or through
// other changes: the rest goes on.
//
//	change of an object          an instance of it is refused, but for shared ground, whose instances stand alone
//	creation, update             what it needs is refused; the holder of an exclusive fact that it takes is refused
//	removal                      what still needs it, by the inventory, is refused
func (c *comparison) block() {
	if len(c.Refusals) == 0 {
		return
	}
	b := newBlocker(c)
	slices.SortStableFunc(c.Refusals, func(a, b Refusal) int { return a.Instance.Compare(b.Instance) }) // not in the order of their comparison
	for _, r := range c.Refusals {
		b.freeze(r.Instance, r.Instance)
	}
	for len(b.queue) > 0 {
		next := b.queue[0]
		b.queue = b.queue[1:]
		for _, change := range b.waiting(next) {
			if b.why[change.Instance] == (schema.Instance{}) {
				b.freeze(change.Instance, b.why[next])
				c.refuse(change.Instance, change.Pos, Blocked, "waits for "+b.why[next].String())
			}
		}
	}
	c.Changes = slices.DeleteFunc(c.Changes, func(change *Change) bool { return b.why[change.Instance] != schema.Instance{} })
}

// blocker knows which changes wait for what, so that each refusal is followed once.
type blocker struct {
	*comparison
	why       map[schema.Instance]schema.Instance // frozen → the refused one at its root
	queue     []schema.Instance
	objects   map[schema.ID][]*Change
	referring map[schema.Instance][]*Change // creations and updates by what they refer to
	needing   map[schema.Fact]*crowd        // and by the facts that they need
	taking    map[schema.Fact][]*Change     // by the exclusive facts that they will hold
	removal   map[schema.Instance]*Change
	was       map[schema.Instance]schema.Instance // of what is renamed
	releasing map[schema.Fact]*crowd              // removals by the facts that they provided
}

func newBlocker(c *comparison) *blocker {
	b := &blocker{
		comparison: c, why: map[schema.Instance]schema.Instance{}, objects: map[schema.ID][]*Change{},
		referring: map[schema.Instance][]*Change{}, needing: map[schema.Fact]*crowd{}, taking: map[schema.Fact][]*Change{},
		removal: map[schema.Instance]*Change{}, was: map[schema.Instance]schema.Instance{}, releasing: map[schema.Fact]*crowd{},
	}
	slices.SortFunc(c.Changes, byInstance)
	for _, change := range c.Changes {
		if !change.Ground {
			b.objects[change.Instance.ID] = append(b.objects[change.Instance.ID], change)
		}
		if change.Want == nil {
			b.removal[change.Instance] = change
			if entry := b.Inventory[change.Instance]; entry != nil {
				join(b.releasing, inventory.Facts(entry.Provides), change)
			}
			continue
		}
		if change.Was != "" {
			b.was[change.Instance] = change.Was.On(change.Instance.Host)
		}
		for _, need := range change.After {
			b.referring[need] = append(b.referring[need], change)
		}
		join(b.needing, change.Needs, change)
		for _, use := range change.Provides {
			if use.Exclusive {
				b.taking[use.Fact] = append(b.taking[use.Fact], change)
			}
		}
	}
	return b
}

func byInstance(a, b *Change) int { return a.Instance.Compare(b.Instance) }

func (b *blocker) freeze(i, root schema.Instance) {
	if b.why[i] == (schema.Instance{}) {
		b.why[i] = root
		b.queue = append(b.queue, i)
	}
}

// waiting lists the changes that cannot go on without an instance, in order; changes that were listed for a fact before may
// be left out.
func (b *blocker) waiting(i schema.Instance) []*Change {
	needing := slices.Clone(b.referring[i])
	if node := b.Want.Node(i); node != nil {
		for _, use := range node.Provides {
			needing = append(needing, b.needing[use.Fact].without(i.ID)...)
		}
	}
	slices.SortFunc(needing, byInstance)
	all := slices.Concat(b.objects[i.ID], needing)
	entry := b.Inventory[i]
	if was, renamed := b.was[i]; renamed {
		entry = b.Inventory[was]
	}
	if entry == nil {
		return all
	}
	var removals []*Change
	for _, need := range entry.After {
		if removal := b.removal[need]; removal != nil {
			removals = append(removals, removal)
		}
	}
	for _, fact := range entry.Needs {
		removals = append(removals, b.releasing[fact].without(i.ID)...)
	}
	slices.SortFunc(removals, byInstance)
	all = append(all, removals...)
	for _, use := range entry.Provides {
		if use.Exclusive {
			all = append(all, b.taking[use.Fact]...)
		}
	}
	return all
}

// crowd is the changes that share a fact, on the side that a refusal stops. However many objects are refused on the other
// side, each change is listed once.
type crowd struct {
	changes []*Change
	but     schema.ID // the first one that was refused; its own changes were not listed
	done    bool
}

func join(crowds map[schema.Fact]*crowd, facts []schema.Fact, change *Change) {
	for _, fact := range facts {
		if crowds[fact] == nil {
			crowds[fact] = &crowd{}
		}
		crowds[fact].changes = append(crowds[fact].changes, change)
	}
}

// without lists the changes that were not listed before, but those of one object, which does not wait for itself.
func (c *crowd) without(id schema.ID) []*Change {
	switch {
	case c == nil || c.done || c.but == id:
		return nil
	case c.but == "":
		c.but = id
		return slices.DeleteFunc(slices.Clone(c.changes), func(change *Change) bool { return change.Instance.ID == id })
	}
	c.done = true
	return slices.DeleteFunc(slices.Clone(c.changes), func(change *Change) bool { return change.Instance.ID != c.but })
}

package diff

import (
	"slices"

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
	why     map[schema.Instance]schema.Instance // frozen → the refused one at its root
	queue   []schema.Instance
	objects map[schema.ID][]*Change
	needing map[schema.Instance][]*Change // creations and updates by what they need
	taking  map[schema.Fact][]*Change     // by the exclusive facts that they will hold
	removal map[schema.Instance]*Change
}

func newBlocker(c *comparison) *blocker {
	b := &blocker{
		comparison: c, why: map[schema.Instance]schema.Instance{}, objects: map[schema.ID][]*Change{},
		needing: map[schema.Instance][]*Change{}, taking: map[schema.Fact][]*Change{}, removal: map[schema.Instance]*Change{},
	}
	slices.SortFunc(c.Changes, func(a, b *Change) int { return a.Instance.Compare(b.Instance) })
	for _, change := range c.Changes {
		if !change.Ground {
			b.objects[change.Instance.ID] = append(b.objects[change.Instance.ID], change)
		}
		if change.Want == nil {
			b.removal[change.Instance] = change
			continue
		}
		for _, need := range change.After {
			b.needing[need] = append(b.needing[need], change)
		}
		for _, use := range change.Provides {
			if use.Exclusive {
				b.taking[use.Fact] = append(b.taking[use.Fact], change)
			}
		}
	}
	return b
}

func (b *blocker) freeze(i, root schema.Instance) {
	if b.why[i] == (schema.Instance{}) {
		b.why[i] = root
		b.queue = append(b.queue, i)
	}
}

// waiting lists the changes that cannot go on without an instance, in order.
func (b *blocker) waiting(i schema.Instance) []*Change {
	all := slices.Concat(b.objects[i.ID], b.needing[i])
	entry := b.Inventory[i]
	if entry == nil {
		return all
	}
	for _, need := range entry.After {
		if removal := b.removal[need]; removal != nil {
			all = append(all, removal)
		}
	}
	for _, use := range entry.Provides {
		if use.Exclusive {
			all = append(all, b.taking[use.Fact]...)
		}
	}
	return all
}

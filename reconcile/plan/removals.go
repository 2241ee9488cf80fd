package plan

import (
	"slices"

	"plumbline/actuators"
	"plumbline/reconcile/inventory"
	"plumbline/schema"
)

// leaving finds what needed what is removed, by the inventory.
type leaving struct {
	*web
	removed   map[schema.Instance]bool
	renamed   map[schema.Instance]int               // the changes of what is renamed, by its earlier name
	referring map[schema.Instance][]schema.Instance // who referred to what is removed
	needing   map[schema.Fact][]schema.Instance     // who needed a fact that something removed provided
	near      map[schema.Instance][]int
	facts     map[schema.Fact][]int
}

// connectRemovals puts whatever needed a removed instance, by the inventory, before its removal. An update before a removal
// is soft.
func (w *web) connectRemovals(all []*Change) {
	l := &leaving{
		web: w, removed: map[schema.Instance]bool{}, renamed: map[schema.Instance]int{}, referring: map[schema.Instance][]schema.Instance{}, needing: map[schema.Fact][]schema.Instance{},
		near: map[schema.Instance][]int{}, facts: map[schema.Fact][]int{},
	}
	for _, c := range all {
		if c.Want == nil && c.Entry == nil && c.Action != actuators.Purge {
			l.removed[c.Instance] = true
			for _, fact := range l.provided(c.Instance) {
				l.needing[fact] = nil
			}
		}
	}
	for i, c := range w.changes {
		if c.Was != "" {
			l.renamed[c.Was.On(c.Instance.Host)] = i
		}
	}
	if len(l.removed) == 0 {
		return
	}
	l.findNeeders()
	for i, c := range w.changes {
		if l.removed[c.Instance] {
			w.add(i, l.users(c.Instance))
		}
		if c.Was != "" {
			w.add(i, l.leavers(c.Was.On(c.Instance.Host)))
		}
	}
}

// leavers is the removals of what referred to an instance that is renamed.
func (l *leaving) leavers(was schema.Instance) (found []int) {
	for _, user := range l.referring[was] {
		if change, ok := l.index(user); ok && l.removed[user] {
			found = append(found, change)
		}
	}
	return found
}

// provided lists the facts that an entry of the inventory provides.
func (l *leaving) provided(i schema.Instance) []schema.Fact {
	if entry := l.Inventory[i]; entry != nil {
		return inventory.Facts(entry.Provides)
	}
	return nil
}

// findNeeders reads the inventory. An entry of an older plumb has all that it needed among what it referred to.
func (l *leaving) findNeeders() {
	for i, entry := range l.Inventory {
		if entry.Retired != nil {
			continue // what was set aside needs nothing
		}
		for _, need := range entry.After {
			if _, renamed := l.renamed[need]; (renamed || l.removed[need]) && need != i {
				l.referring[need] = append(l.referring[need], i)
			}
		}
		for _, fact := range entry.Needs {
			if list, left := l.needing[fact]; left {
				l.needing[fact] = append(list, i)
			}
		}
	}
	for _, list := range l.referring {
		slices.SortFunc(list, schema.Instance.Compare)
	}
	for _, list := range l.needing {
		slices.SortFunc(list, schema.Instance.Compare)
	}
}

// users is the changes that needed a removed instance, across what is removed without a step.
func (l *leaving) users(i schema.Instance) []int {
	found, known := l.near[i]
	if known {
		return found
	}
	l.near[i] = nil
	for _, user := range l.referring[i] {
		found = l.user(found, user)
	}
	for _, fact := range l.provided(i) {
		found = l.fact(found, i.ID, fact)
	}
	l.near[i] = unique(found)
	return l.near[i]
}

// user adds what somebody who needed a removed instance stands for: its own change, or who needed it if it is removed itself.
func (l *leaving) user(list []int, i schema.Instance) []int {
	if change, ok := l.renamed[i]; ok {
		return append(list, change)
	}
	if change, ok := l.index(i); ok {
		return append(list, change)
	}
	if l.removed[i] {
		list = append(list, l.users(i)...)
	}
	return list
}

// fact adds those who needed a fact, but those of the object that provided it.
func (l *leaving) fact(list []int, id schema.ID, fact schema.Fact) []int {
	needers := l.needing[fact]
	if own := slices.ContainsFunc(needers, func(i schema.Instance) bool { return i.ID == id }); own {
		for _, i := range needers {
			if i.ID != id {
				list = l.user(list, i)
			}
		}
		return list
	}
	all, known := l.facts[fact]
	if !known {
		l.facts[fact] = nil
		for _, i := range needers {
			all = l.user(all, i)
		}
		all = l.through(unneeded, fact, unique(all))
		l.facts[fact] = all
	}
	return append(list, all...)
}

// connectPurges puts the purge of what needed something before the purge of that.
func (w *web) connectPurges() {
	for i, c := range w.changes {
		for _, need := range c.After {
			if n, ok := w.index(need); ok && c.Action == actuators.Purge && w.changes[n].Action == actuators.Purge {
				w.add(n, []int{i})
			}
		}
	}
}

// connectMoves puts the release of an exclusive fact before its acquisition by another instance.
func (w *web) connectMoves() {
	holders := map[schema.Fact][]int{}
	for i, c := range w.changes {
		if len(c.Released) == 0 {
			continue
		}
		keeps := map[schema.Fact]bool{}
		for _, use := range c.Provides {
			keeps[use.Fact] = c.Want != nil
		}
		for _, use := range c.Released {
			if use.Exclusive && !keeps[use.Fact] {
				holders[use.Fact] = append(holders[use.Fact], i)
			}
		}
	}
	if len(holders) == 0 {
		return
	}
	for fact, list := range holders {
		holders[fact] = unique(list)
	}
	gates := map[schema.Fact][]int{}
	for i, c := range w.changes {
		for _, use := range c.Provides {
			if !use.Exclusive || c.Want == nil || holders[use.Fact] == nil {
				continue
			}
			if gates[use.Fact] == nil {
				gates[use.Fact] = w.through(released, use.Fact, holders[use.Fact])
			}
			w.add(i, gates[use.Fact])
		}
	}
}

package diff

import (
	"fmt"
	"slices"

	"plumbline/actuators"
	"plumbline/reconcile/inventory"
	"plumbline/schema"
)

// protect refuses to take away what the inventory says is protected, and what that stands on: protection outlives the
// declaration, until one that says protect: false was applied. What is gone by other hands is not forgotten either: it would no longer
// protect what it stood on.
func (c *comparison) protect() {
	protected := c.protected()
	if len(protected) == 0 {
		return
	}
	provide := c.providers()
	beneath := c.foundation(protected, provide)
	refused := map[schema.Instance]bool{}
	kept := c.Changes[:0]
	for _, change := range c.Changes {
		by, found := beneath[change.Instance]
		goes := takesAway(change) && change.Action != actuators.Purge || c.Want.Node(change.Instance) == nil && !c.leaves[change.Instance]
		if !found || !goes {
			kept = append(kept, change)
			continue
		}
		refused[change.Instance] = true
		c.refuse(change.Instance, change.Pos, Protected, c.protection(change, by))
	}
	c.Changes = kept
	c.holdTogether(beneath, provide, refused)
}

// holdTogether lets nothing change that is protected, or that something protected stands on, in a commit that takes away what it
// stands on: else the next plan of that very commit would find it unprotected, or no longer standing on it.
func (c *comparison) holdTogether(beneath map[schema.Instance]schema.Instance, provide map[schema.Fact][]schema.Instance, refused map[schema.Instance]bool) {
	taken := refused
	for i := range beneath {
		if entry := c.Inventory[i]; entry != nil && entry.Retired == nil && c.Want.Node(i) == nil {
			taken[i] = true
		}
	}
	if len(taken) == 0 {
		return
	}
	kept := c.Changes[:0]
	for _, change := range c.Changes {
		if _, found := beneath[change.Instance]; found && c.Want.Node(change.Instance) != nil { // what is only observed from now on, too
			if below, holds := first(taken, c.foundation([]schema.Instance{change.Instance}, provide)); holds && below != change.Instance {
				c.refuse(change.Instance, change.Pos, Blocked, fmt.Sprintf("it is protected, or something on it is, and this commit takes away %s, which it stood on when it was last applied", below))
				continue
			}
		}
		kept = append(kept, change)
	}
	c.Changes = kept
}

// first finds the first by name that is in both.
func first(taken map[schema.Instance]bool, of map[schema.Instance]schema.Instance) (least schema.Instance, found bool) {
	for i := range of {
		if taken[i] && (!found || i.Compare(least) < 0) {
			least, found = i, true
		}
	}
	return least, found
}

// protected lists what is protected by its last applied declaration.
func (c *comparison) protected() (all []schema.Instance) {
	for i, entry := range c.Inventory {
		if entry.Protect && entry.Retired == nil {
			all = append(all, i)
		}
	}
	return all
}

// foundation is some instances and all that they need, directly or not, by what was applied, and which of them needs it.
func (c *comparison) foundation(roots []schema.Instance, provide map[schema.Fact][]schema.Instance) map[schema.Instance]schema.Instance {
	by := map[schema.Instance]schema.Instance{}
	queue := slices.Clone(roots)
	for _, i := range roots {
		by[i] = i
	}
	for len(queue) > 0 {
		next := queue[0]
		queue = queue[1:]
		entry := c.Inventory[next]
		if entry == nil || entry.Retired != nil {
			continue
		}
		needed := slices.Clone(entry.After)
		for _, fact := range entry.Needs {
			for _, provider := range provide[fact] {
				if provider.ID != next.ID { // an object does not wait for itself
					needed = append(needed, provider)
				}
			}
		}
		for _, below := range needed {
			old, seen := by[below]
			if root := by[next]; !seen || old != below && root.Compare(old) < 0 { // the first by name, in whatever order they come
				by[below] = root
				queue = append(queue, below)
			}
		}
	}
	return by
}

// providers is who provided each fact when it was last applied.
func (c *comparison) providers() map[schema.Fact][]schema.Instance {
	out := map[schema.Fact][]schema.Instance{}
	for i, entry := range c.Inventory {
		if entry.Retired == nil {
			for _, fact := range inventory.Facts(entry.Provides) {
				out[fact] = append(out[fact], i)
			}
		}
	}
	return out
}

// protection says what is protected, where that was declared, and the way out.
func (c *comparison) protection(change *Change, by schema.Instance) string {
	pos := c.Inventory[by].Pos
	if by == change.Instance {
		return fmt.Sprintf("it is protected by its last applied declaration at %s, and would be %s; to let it go, apply a commit that still declares it with protect: false, and take it away in a later one",
			pos, gone(change.Action))
	}
	return fmt.Sprintf("%s stands on it and is protected by its last applied declaration at %s, and this would be %s; to let it go, apply a commit that declares %s with protect: false, and take this away in a later one",
		by, pos, gone(change.Action), by.ID)
}

func gone(a actuators.Action) string {
	if a == actuators.Replace {
		return "replaced"
	}
	return "taken away"
}

package diff

import (
	"fmt"
	"slices"

	"plumbline/actuators"
	"plumbline/reconcile/inventory"
	"plumbline/schema"
)

// protect refuses to take away what the inventory says is protected, and what that stands on: protection outlives the
// declaration, until one that says protect: false was applied. What the thing no longer has live is only forgotten.
func (c *comparison) protect() {
	var beneath map[schema.Instance]schema.Instance
	kept := c.Changes[:0]
	for _, change := range c.Changes {
		if !takesAway(change) || change.Action == actuators.Purge {
			kept = append(kept, change)
			continue
		}
		if beneath == nil {
			beneath = c.foundation()
		}
		by, protected := beneath[change.Instance]
		if !protected {
			kept = append(kept, change)
			continue
		}
		c.refuse(change.Instance, change.Pos, Protected, c.protection(change, by))
	}
	c.Changes = kept
}

// foundation is every applied instance that is protected, or that a protected one needs, directly or not, and by which.
func (c *comparison) foundation() map[schema.Instance]schema.Instance {
	by := map[schema.Instance]schema.Instance{}
	var queue []schema.Instance
	for i, entry := range c.Inventory {
		if entry.Protect && entry.Retired == nil {
			by[i] = i
			queue = append(queue, i)
		}
	}
	if len(queue) == 0 {
		return by
	}
	provide := c.providers()
	for len(queue) > 0 {
		next := queue[0]
		queue = queue[1:]
		entry := c.Inventory[next]
		if entry == nil {
			continue
		}
		needed := slices.Clone(entry.After)
		for _, fact := range entry.Needs {
			needed = append(needed, provide[fact]...)
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

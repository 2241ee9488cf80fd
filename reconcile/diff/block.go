package diff

import "plumbline/schema"

// block takes out of the changes what belongs to a refused object or needs something refused, directly or through others:
// the rest goes on. A removal is blocked when something that still needs it (by the inventory) is refused.
func (c *comparison) block() {
	bad := map[schema.Instance]string{}
	objects := map[schema.ID]string{}
	for _, r := range c.Refusals {
		bad[r.Instance] = r.Instance.String()
		if _, ok := objects[r.Instance.ID]; !ok {
			objects[r.Instance.ID] = r.Instance.String()
		}
	}
	if len(bad) == 0 {
		return
	}
	for again := true; again; {
		again = false
		kept := c.Changes[:0]
		for _, change := range c.Changes {
			why := c.blocker(change, bad, objects)
			if why == "" {
				kept = append(kept, change)
				continue
			}
			again = true
			bad[change.Instance] = why
			c.refuse(change.Instance, change.Pos, Blocked, "waits for "+why)
		}
		c.Changes = kept
	}
}

// blocker names the refused instance that a change has to wait for, or "".
func (c *comparison) blocker(change *Change, bad map[schema.Instance]string, objects map[schema.ID]string) string {
	if why, ok := objects[change.Instance.ID]; ok && !change.Ground {
		return why
	}
	if change.Want != nil {
		for _, need := range change.After {
			if why, ok := bad[need]; ok {
				return why
			}
		}
		return ""
	}
	for instance, why := range bad {
		if entry := c.Inventory[instance]; entry != nil {
			for _, need := range entry.After {
				if need == change.Instance {
					return why
				}
			}
		}
	}
	return ""
}

package diff

import (
	"fmt"

	"plumbline/schema"
)

// Limits bound what one plan may take away.
type Limits struct {
	Destroys int     // objects; 0 = DefaultDestroys
	Share    float64 // of the objects in the inventory, 0..1; 0 = DefaultShare
}

// The default: the larger of five objects and a tenth of the inventory.
const (
	DefaultDestroys = 5
	DefaultShare    = 0.10
)

// Allowed is how many objects one plan may take away when the inventory lists this many.
func (l Limits) Allowed(objects int) int {
	if l.Destroys == 0 {
		l.Destroys = DefaultDestroys
	}
	if l.Share == 0 {
		l.Share = DefaultShare
	}
	return max(l.Destroys, int(l.Share*float64(objects)))
}

// limit refuses all removals when there are more of them than the limits allow: an empty or broken topology deletes
// nothing. What only the inventory has to follow counts for nothing.
func (c *comparison) limit() {
	removed := map[schema.ID]bool{}
	for _, change := range c.Changes {
		if takesAway(change) {
			removed[change.Instance.ID] = true
		}
	}
	if len(removed) <= c.Limits.Allowed(0) {
		return // allowed however few objects there are
	}
	owned := map[schema.ID]bool{}
	for i, entry := range c.Inventory {
		if entry.Retired == nil {
			owned[i.ID] = true
		}
	}
	allowed := c.Limits.Allowed(len(owned))
	if len(removed) <= allowed {
		return
	}
	kept := c.Changes[:0]
	for _, change := range c.Changes {
		if !takesAway(change) {
			kept = append(kept, change)
			continue
		}
		c.refuse(change.Instance, change.Pos, Limit, fmt.Sprintf(
			"the plan would take away %d objects and at most %d may go at once; remove fewer in one commit, or raise limits: destroys in the controller's file", len(removed), allowed))
	}
	c.Changes = kept
}

func takesAway(change *Change) bool { return change.Action.Removes() && len(change.Steps) > 0 }

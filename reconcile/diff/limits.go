package diff

import "fmt"

// Limits bound what one plan may take away.
type Limits struct {
	Destroys int     // objects; 0 = DefaultDestroys
	Share    float64 // of the inventory, 0..1; 0 = DefaultShare
}

// The default: the larger of five objects and a tenth of the inventory.
const (
	DefaultDestroys = 5
	DefaultShare    = 0.10
)

// Allowed is how many instances one plan may retire from an inventory of this size.
func (l Limits) Allowed(inventory int) int {
	if l.Destroys == 0 {
		l.Destroys = DefaultDestroys
	}
	if l.Share == 0 {
		l.Share = DefaultShare
	}
	return max(l.Destroys, int(l.Share*float64(inventory)))
}

// limit refuses all removals when there are more of them than the limits allow: an empty or broken topology deletes
// nothing.
func (c *comparison) limit() {
	removals, objects := 0, map[string]bool{}
	for _, change := range c.Changes {
		if change.Action.Removes() {
			removals++
			objects[string(change.Instance.ID)] = true
		}
	}
	allowed := c.Limits.Allowed(len(c.Inventory))
	if len(objects) <= allowed {
		return
	}
	kept := c.Changes[:0]
	for _, change := range c.Changes {
		if !change.Action.Removes() {
			kept = append(kept, change)
			continue
		}
		c.refuse(change.Instance, change.Pos, Limit, fmt.Sprintf(
			"the plan would take away %d objects and at most %d may go at once; remove fewer in one commit, or raise limits: destroys in the controller's file", len(objects), allowed))
	}
	c.Changes = kept
}

package diff

import (
	"fmt"
	"strconv"
	"strings"

	"plumbline/actuators"
	"plumbline/schema"
)

// Limits bound what one plan may take away.
type Limits struct {
	Destroys int     // objects; 0 = DefaultDestroys
	Share    float64 // of the objects in the inventory, 0..1; 0 = DefaultShare

	Kinds   map[string]Portion // of one kind, beside that
	Domain  string             // label of hosts that tells failure domains apart; "" = site
	Domains *Portion           // of the objects in one failure domain; nil = no limit
}

// The default: the larger of five objects and a tenth of the inventory.
const (
	DefaultDestroys = 5
	DefaultShare    = 0.10
)

// Allowed is how many objects one plan may take away when the inventory lists this many.
func (l Limits) Allowed(objects int) int {
	l = l.filled()
	return max(l.Destroys, int(l.Share*float64(objects)))
}

func (l Limits) filled() Limits {
	if l.Destroys == 0 {
		l.Destroys = DefaultDestroys
	}
	if l.Share == 0 {
		l.Share = DefaultShare
	}
	return l
}

// limit refuses all removals when there are more of them than the limits allow: an empty or broken topology deletes
// nothing. What only the inventory has to follow counts for nothing.
func (c *comparison) limit() {
	taken := map[schema.ID]actuators.Action{}
	for _, change := range c.Changes {
		if takesAway(change) {
			taken[change.Instance.ID] = change.Action
		}
	}
	if len(taken) <= c.Limits.Allowed(0) {
		return // allowed however few objects there are
	}
	owned := map[schema.ID]bool{}
	for i, entry := range c.Inventory {
		if entry.Retired == nil {
			owned[i.ID] = true
		}
	}
	allowed := c.Limits.Allowed(len(owned))
	if len(taken) <= allowed {
		return
	}
	text := c.Limits.exceeded(taken, allowed, len(owned))
	kept := c.Changes[:0]
	for _, change := range c.Changes {
		if !takesAway(change) {
			kept = append(kept, change)
			continue
		}
		c.refuse(change.Instance, change.Pos, Limit, text)
		text = "it is one of the " + strconv.Itoa(len(taken)) // said once
	}
	c.Changes = kept
}

// exceeded says what is counted, which limit that exceeds, and the way out.
func (l Limits) exceeded(taken map[schema.ID]actuators.Action, allowed, owned int) string {
	l = l.filled()
	counts := map[actuators.Action]int{}
	for _, action := range taken {
		counts[action]++
	}
	var parts []string
	for _, action := range []actuators.Action{actuators.Retire, actuators.Replace, actuators.Purge} {
		if counts[action] > 0 {
			parts = append(parts, fmt.Sprintf("%d to %s", counts[action], action))
		}
	}
	return fmt.Sprintf("the plan would take away %d objects (%s) and at most %d may go at once, the larger of %d and %g %% of the %d that are applied; take fewer away in one commit, or raise limits: destroys or limits: share in the controller's file",
		len(taken), strings.Join(parts, ", "), allowed, l.Destroys, 100*l.Share, owned)
}

func takesAway(change *Change) bool {
	return (change.Action.Removes() || change.Action == actuators.Replace) && len(change.Steps) > 0
}

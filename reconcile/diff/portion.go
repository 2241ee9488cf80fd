package diff

import (
	"cmp"
	"fmt"

	"plumbline/schema"
)

// Portion bounds what one plan may take away of some objects: the larger of a number and a share of them.
type Portion struct {
	Destroys int        `json:"destroys"`
	Share    float64    `json:"share"` // 0..1
	Pos      schema.Pos `json:"-"`     // of the rule
}

// limitPortions refuses the removals of a kind, or of a failure domain, of which the plan would take away more than its own
// limit allows. The others go on.
func (c *comparison) limitPortions() {
	if len(c.Limits.Kinds) == 0 && c.Limits.Domains == nil {
		return
	}
	carried := NewLabels(c.Want, c.Inventory)
	groups := func(i schema.Instance) (out []group) {
		if portion, ok := c.Limits.Kinds[i.ID.Kind()]; ok {
			out = append(out, group{"limits.kinds." + i.ID.Kind(), "objects of kind " + i.ID.Kind(), portion})
		}
		if domain := carried.Of(i.Host)[cmp.Or(c.Limits.Domain, "site")]; c.Limits.Domains != nil && domain != "" {
			out = append(out, group{"limits.domains", "objects in " + cmp.Or(c.Limits.Domain, "site") + " " + domain, *c.Limits.Domains})
		}
		return out
	}
	taken, owned := map[group]map[schema.ID]bool{}, map[group]map[schema.ID]bool{}
	for _, change := range c.Changes {
		if takesAway(change) {
			enter(taken, groups(change.Instance), change.Instance.ID)
		}
	}
	if len(taken) == 0 {
		return
	}
	for i, entry := range c.Inventory {
		if entry.Retired == nil {
			enter(owned, groups(i), i.ID)
		}
	}
	kept := c.Changes[:0]
	for _, change := range c.Changes {
		text := ""
		for _, g := range groups(change.Instance) {
			if allowed := max(g.Destroys, int(g.Share*float64(len(owned[g])))); takesAway(change) && len(taken[g]) > allowed {
				text = g.exceeded(len(taken[g]), allowed, len(owned[g]))
				break
			}
		}
		if text == "" {
			kept = append(kept, change)
			continue
		}
		c.refuse(change.Instance, change.Pos, Limit, text)
	}
	c.Changes = kept
}

// group is the objects that share a limit.
type group struct {
	rule, what string
	Portion
}

func enter(in map[group]map[schema.ID]bool, groups []group, id schema.ID) {
	for _, g := range groups {
		if in[g] == nil {
			in[g] = map[schema.ID]bool{}
		}
		in[g][id] = true
	}
}

func (g group) exceeded(taken, allowed, owned int) string {
	return fmt.Sprintf("the plan would take away %d of the %d %s, and %s (%s) lets go %d at once; take fewer away in one commit, or raise it in the controller's file",
		taken, owned, g.what, g.rule, g.Pos, allowed)
}

package diff

import (
	"fmt"

	"plumbline/schema"
)

// formerNames lists the earlier names that declared objects give with `was` and that are still applied. No kind can rename
// in place, so neither name is touched: the old thing is not taken away, and no second one is made beside it. A `was`
// whose name is not applied any more says nothing.
func formerNames(in Input) map[schema.ID]schema.ID {
	claimed := map[schema.ID]schema.ID{}
	for _, o := range in.Want.Objects {
		if o.Meta.Was != "" {
			claimed[schema.MakeID(o.ID.Kind(), o.Meta.Was)] = o.ID
		}
	}
	former := map[schema.ID]schema.ID{}
	if len(claimed) == 0 {
		return former
	}
	for i, entry := range in.Inventory {
		if now := claimed[i.ID]; now != "" && entry.Retired == nil {
			former[i.ID] = now
		}
	}
	return former
}

func (c *comparison) renamed(n *schema.Node) bool {
	return n.Object.Meta.Was != "" && c.former[schema.MakeID(n.ID.Kind(), n.Object.Meta.Was)] == n.ID
}

func renameText(o *schema.Object) string {
	return fmt.Sprintf("it was %q, and renames are not applied yet; keep the old name, or take was out: then %s/%s is retired and %s is made new", o.Meta.Was, o.ID.Kind(), o.Meta.Was, o.ID)
}

package diff

import (
	"slices"

	"plumbline/actuators"
	"plumbline/reconcile/inventory"
	"plumbline/schema"
)

// copied lists the entries of declared instances of which something is set aside beside what is there: an image that was fetched
// anew, a volume of which an undo set aside what was written meanwhile. What stands for itself is not touched by their purge.
func (c *comparison) copied(id schema.ID) (entries []*inventory.Entry) {
	for _, one := range c.World.index()[id] {
		i := id.On(one.look.Host)
		entry := c.Inventory[i]
		if one.Retired && one.ours(c.Installation) && entry != nil && entry.Retired == nil && c.Want.Node(i) != nil && !slices.Contains(entries, entry) {
			entries = append(entries, entry)
		}
	}
	return entries
}

// copiedAndApproved lists the same of objects whose purge has a line in the topology: of others nothing is asked at each plan.
func (c *comparison) copiedAndApproved() (entries []*inventory.Entry) {
	for _, a := range c.Want.Approvals {
		if a.To == schema.ToPurge && c.Want.Object(a.Object) != nil {
			entries = append(entries, c.copied(a.Object)...)
		}
	}
	return entries
}

// keeps says why copies of a declared instance are not purged now; "" when what is declared is there, ours, and not changed.
func (c *comparison) keeps(i schema.Instance, have actuators.HaveJSON) string {
	of := func(of schema.Instance) bool { return of == i }
	switch {
	case have.Here == nil:
		return "what is declared is not there, and this may be what is left of it"
	case !have.Owned:
		return "what has its name is not ours"
	case c.Want.Node(i).Object.Meta.Manage == schema.Observe:
		return "it is only observed"
	case slices.ContainsFunc(c.Refusals, func(r Refusal) bool { return of(r.Instance) }):
		return "it is refused, as is told beside this"
	case slices.ContainsFunc(c.Changes, func(change *Change) bool { return of(change.Instance) }):
		return "it changes in this plan; the next one purges what the line is about, if that is still what is set aside"
	}
	return ""
}

package diff

import (
	"plumbline/actuators"
	"plumbline/reconcile/inventory"
)

// removed compares one inventory entry that is no longer declared. Only what was observed in full, is ours and is there is
// taken away; what is gone already is only forgotten.
func (c *comparison) removed(entry *inventory.Entry) {
	kind, ok := c.Kinds.Kind(entry.Instance.ID.Kind())
	if !ok {
		c.refuse(entry.Instance, entry.Pos, Refused, "this version knows no kind of this name; use the version that applied it")
		return
	}
	if c.moves[entry.Instance] {
		return // it goes on under its new name
	}
	now, kept := c.former.keeps(entry.Instance)
	have, known, why := c.seen(entry.Instance.ID).have(kind, entry.Instance.Host, c.Installation, true)
	switch {
	case entry.Stuck != "":
		c.refuse(entry.Instance, entry.Pos, Stuck, stuckText(entry))
	case !known:
		c.refuse(entry.Instance, entry.Pos, Unknown, why)
	case !c.World.Look(entry.Instance.Host, entry.Instance.ID.Kind()).All:
		c.refuse(entry.Instance, entry.Pos, Unknown, "its kind was not observed in full on this host")
	case have.Here != nil && !have.Owned:
		c.refuse(entry.Instance, entry.Pos, Foreign, "what has its name now is not ours; it is left alone")
	case kept && have.Here != nil:
		c.refuse(entry.Instance, entry.Pos, Blocked, "it is not taken away, because "+string(now)+" says that it was this object")
	default:
		c.retire(kind, entry, have)
	}
}

func (c *comparison) retire(kind *actuators.Kind, entry *inventory.Entry, have actuators.HaveJSON) {
	change := &Change{Instance: entry.Instance, Pos: entry.Pos, Have: have, Ground: kind.Ground(), After: entry.After, Needs: entry.Needs, Released: entry.Provides}
	if c.leaves[entry.Instance] {
		c.Changes = append(c.Changes, change) // its move takes it away from here
		return
	}
	d, err := kind.Diff(nil, have)
	switch {
	case err != nil:
	case d.Action != actuators.None:
		change.Action, change.Diff = d.Action, d
		change.Steps, err = kind.Steps(c.subject(entry.Instance, entry.Hash), d, nil, have)
	case have.Here == nil && have.Retired != nil:
		change.Action = actuators.Retire // it was set aside already, and that was not recorded
	}
	if err != nil {
		c.refuse(entry.Instance, entry.Pos, Refused, trimRefused(err))
		return
	}
	c.Changes = append(c.Changes, change)
}

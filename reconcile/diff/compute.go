package diff

import (
	"errors"
	"fmt"
	"slices"

	"plumbline/actuators"
	"plumbline/reconcile/inventory"
	"plumbline/schema"
)

// Input is all that a comparison knows.
type Input struct {
	Want         *schema.Graph
	World        *World
	Inventory    inventory.Inventory
	Kinds        *actuators.Registry
	Installation string
	Limits       Limits
}

// Compute compares every declared instance and every instance that the inventory lists.
func Compute(in Input) Result {
	c := &comparison{Input: in}
	for _, node := range in.Want.Nodes {
		c.declared(node)
	}
	for _, entry := range sortedEntries(in.Inventory) {
		if in.Want.Node(entry.Instance) == nil && entry.Retired == nil {
			c.removed(entry)
		}
	}
	c.limit()
	c.block()
	c.sort()
	return c.Result
}

type comparison struct {
	Input
	Result
}

// declared compares one node of the graph.
func (c *comparison) declared(n *schema.Node) {
	kind, ok := c.Kinds.Kind(n.ID.Kind())
	if !ok {
		c.refuse(n.Instance, n.Object.Pos, Refused, "internal error: no kind of this name")
		return
	}
	entry := c.Inventory[n.Instance]
	if entry != nil && entry.Retired != nil {
		entry = nil
	}
	have, known, why := c.World.have(kind, n.Instance, c.Installation, entry != nil)
	switch {
	case entry != nil && entry.Stuck != "":
		c.refuse(n.Instance, n.Object.Pos, Stuck, entry.Stuck+`; mend it by hand, then "plumb resume `+n.Instance.String()+`"`)
		return
	case !known:
		c.refuse(n.Instance, n.Object.Pos, Unknown, why)
		return
	case n.Object.Meta.Manage == schema.Observe:
		return
	case have.Here != nil && !have.Owned && n.Object.Meta.Manage != schema.Adopt:
		c.refuse(n.Instance, n.Object.Pos, Foreign, foreignText(have))
		return
	case kind.HoldsData && entry != nil && have.Here == nil && have.Retired == nil && len(have.Elsewhere) == 0:
		c.refuse(n.Instance, n.Object.Pos, Missing, "it held data, was applied by us and is gone; it is not made anew by itself: find it, or take its declaration out and declare it under a new name")
		return
	}
	c.compare(kind, n, entry, have)
}

func foreignText(have actuators.HaveJSON) string {
	if have.Mark != nil {
		return fmt.Sprintf("a thing of this name is there and belongs to the installation %s; choose another name", have.Mark.Installation)
	}
	return `a thing of this name is there and was not made by us; choose another name, remove it by hand, or take it over with manage: "adopt"`
}

// compare asks the kind what differs and which steps mend it.
func (c *comparison) compare(kind *actuators.Kind, n *schema.Node, entry *inventory.Entry, have actuators.HaveJSON) {
	d, err := kind.Diff(n.Spec, have)
	if err != nil {
		c.refuse(n.Instance, n.Object.Pos, Refused, err.Error())
		return
	}
	c.note(n.Instance, d.Notes)
	if d.Action == actuators.None && entry != nil && entry.Hash == n.Hash && entry.Pos == n.Object.Pos {
		return
	}
	change := c.change(n, d, have, entry)
	if d.Action == actuators.None {
		if entry == nil && kind.Changes() && have.Here != nil && !have.Owned {
			c.refuse(n.Instance, n.Object.Pos, Foreign, foreignText(have))
			return
		}
		c.Changes = append(c.Changes, change)
		return
	}
	change.Steps, err = kind.Steps(c.subject(n.Instance, n.Hash), d, n.Spec, have)
	if err != nil {
		c.refuse(n.Instance, n.Object.Pos, Refused, trimRefused(err))
		return
	}
	c.Changes = append(c.Changes, change)
}

func (c *comparison) change(n *schema.Node, d actuators.Diff, have actuators.HaveJSON, entry *inventory.Entry) *Change {
	kind, _ := c.Kinds.Kind(n.ID.Kind())
	recorded := inventory.Of(n, c.Want.Commit)
	change := &Change{
		Instance: n.Instance, Action: d.Action, Diff: d, Pos: n.Object.Pos, Want: n.Spec, Hash: n.Hash, Have: have,
		Entry: &recorded, Ground: kind.Ground(), After: n.After, Provides: n.Provides,
	}
	if entry != nil {
		change.Released = entry.Provides
	}
	return change
}

func (c *comparison) subject(i schema.Instance, hash string) actuators.Subject {
	return actuators.Subject{Instance: i, Mark: actuators.Mark{Installation: c.Installation, ID: i.ID, Hash: hash}}
}

// removed compares one inventory entry that is no longer declared. Only what was observed in full, is ours and is there is
// taken away; what is gone already is only forgotten.
func (c *comparison) removed(entry *inventory.Entry) {
	kind, ok := c.Kinds.Kind(entry.Instance.ID.Kind())
	if !ok {
		c.refuse(entry.Instance, entry.Pos, Refused, "this version knows no kind of this name; use the version that applied it")
		return
	}
	have, known, why := c.World.have(kind, entry.Instance, c.Installation, true)
	look := c.World.Look(entry.Instance.Host, entry.Instance.ID.Kind())
	switch {
	case entry.Stuck != "":
		c.refuse(entry.Instance, entry.Pos, Stuck, entry.Stuck)
		return
	case !known:
		c.refuse(entry.Instance, entry.Pos, Unknown, why)
		return
	case !look.All:
		c.refuse(entry.Instance, entry.Pos, Unknown, "its kind was not observed in full on this host")
		return
	case have.Here != nil && !have.Owned:
		c.refuse(entry.Instance, entry.Pos, Foreign, "what has its name now is not ours; it is left alone")
		return
	}
	c.retire(kind, entry, have)
}

func (c *comparison) retire(kind *actuators.Kind, entry *inventory.Entry, have actuators.HaveJSON) {
	change := &Change{Instance: entry.Instance, Pos: entry.Pos, Have: have, Ground: kind.Ground(), After: entry.After, Released: entry.Provides}
	d, err := kind.Diff(nil, have)
	if err == nil && d.Action != actuators.None {
		change.Action, change.Diff = d.Action, d
		change.Steps, err = kind.Steps(c.subject(entry.Instance, entry.Hash), d, nil, have)
	}
	if err != nil {
		c.refuse(entry.Instance, entry.Pos, Refused, trimRefused(err))
		return
	}
	c.Changes = append(c.Changes, change)
}

func (c *comparison) refuse(i schema.Instance, pos schema.Pos, class Class, text string) {
	c.Refusals = append(c.Refusals, Refusal{Instance: i, Class: class, Pos: pos, Text: text})
}

func (c *comparison) note(i schema.Instance, texts []string) {
	for _, text := range texts {
		c.Notes = append(c.Notes, Note{Instance: i, Text: text})
	}
}

func (c *comparison) sort() {
	slices.SortFunc(c.Changes, func(a, b *Change) int { return a.Instance.Compare(b.Instance) })
	slices.SortStableFunc(c.Refusals, func(a, b Refusal) int { return a.Instance.Compare(b.Instance) })
	slices.SortStableFunc(c.Notes, func(a, b Note) int { return a.Instance.Compare(b.Instance) })
}

func sortedEntries(inv inventory.Inventory) []*inventory.Entry {
	entries := make([]*inventory.Entry, 0, len(inv))
	for _, entry := range inv {
		entries = append(entries, entry)
	}
	slices.SortFunc(entries, func(a, b *inventory.Entry) int { return a.Instance.Compare(b.Instance) })
	return entries
}

// trimRefused drops the class word of an error whose class is told beside it.
func trimRefused(err error) string {
	text := err.Error()
	if errors.Is(err, actuators.ErrRefused) {
		if prefix := actuators.ErrRefused.Error() + ": "; len(text) > len(prefix) && text[:len(prefix)] == prefix {
			return text[len(prefix):]
		}
	}
	return text
}

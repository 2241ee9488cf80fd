package diff

import (
	"fmt"
	"slices"
	"strings"

	"plumbline/actuators"
	"plumbline/reconcile/inventory"
	"plumbline/schema"
)

// declared compares one node of the graph.
func (c *comparison) declared(n *schema.Node, entry *inventory.Entry, seen seen) {
	kind, ok := c.Kinds.Kind(n.ID.Kind())
	if !ok {
		c.refuse(n.Instance, n.Object.Pos, Refused, "internal error: no kind of this name")
		return
	}
	owned := entry != nil && entry.Retired == nil
	have, known, why := seen.have(kind, n.Host, c.Installation, owned)
	switch {
	case entry != nil && entry.Stuck != "":
		c.refuse(n.Instance, n.Object.Pos, Stuck, stuckText(entry))
	case !known:
		c.refuse(n.Instance, n.Object.Pos, Unknown, why)
	case owned && kind.HoldsData && !kind.Unmarked && have.Here != nil && have.Mark == nil:
		c.refuse(n.Instance, n.Object.Pos, Unknown, "what is there has lost our mark, and it held data: is it the right thing, and mounted? put back what was there, or declare it under a new name")
		c.unless(schema.ToAdopt)
	case n.Object.Meta.Manage == schema.Observe:
		c.observed(kind, n, entry, have)
	case c.renamed(kind, n, entry, have):
	case have.Here != nil && !have.Owned && (n.Object.Meta.Manage != schema.Adopt || have.Mark != nil):
		c.refuse(n.Instance, n.Object.Pos, Foreign, foreignText(have))
	case kind.HoldsData && entry != nil && have.Here == nil && have.Retired == nil && len(have.Elsewhere) == 0: // its kind may move it
		c.refuse(n.Instance, n.Object.Pos, Missing, "it held data, was applied by us and is gone; it is not made anew by itself: find it, or take its declaration out and declare it under a new name")
		c.unless(schema.ToRecreate)
	default:
		if !owned {
			entry = nil
		}
		c.compare(kind, n, entry, have)
	}
}

// unless says of the last refusal that people may agree to something instead.
func (c *comparison) unless(to schema.Agreement) { c.Refusals[len(c.Refusals)-1].to = to }

// observed reports how an object differs that is not ours to change, and forgets what we applied when it still was.
func (c *comparison) observed(kind *actuators.Kind, n *schema.Node, entry *inventory.Entry, have actuators.HaveJSON) {
	d, err := kind.Diff(n.Spec, have)
	switch {
	case err != nil:
		c.note(n.Instance, "it is only observed and cannot be compared: "+err.Error())
	case have.Here == nil && d.Action != actuators.None:
		c.note(n.Instance, "it is only observed and is not there")
	case d.Action != actuators.None && len(d.Changes) > 0:
		c.note(n.Instance, "it is only observed and differs: "+fields(d))
	}
	if entry != nil {
		c.Changes = append(c.Changes, &Change{Instance: n.Instance, Pos: n.Object.Pos, Have: have, Ground: kind.Ground()})
	}
}

func stuckText(entry *inventory.Entry) string {
	return entry.Stuck + `; mend it by hand, then "plumb resume ` + entry.Instance.String() + `"`
}

func foreignText(have actuators.HaveJSON) string {
	if have.Mark != nil {
		return fmt.Sprintf("a thing of this name is there and belongs to the installation %s; choose another name, or, if that is ours and its state was lost, say \"plumb recover\"", have.Mark.Installation)
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
	all := d
	d, rules := Managed(c.Want.Ignores, c.Rules.Now, n.Instance, d)
	if len(rules) > 0 {
		c.note(n.Instance, left(all, rules))
		if d.Action == actuators.None && (have.Here == nil || !have.Owned) {
			return
		}
	}
	c.note(n.Instance, d.Notes...)
	c.remark(kind, n, entry, have)
	works := d.Action != actuators.None // an adoption that only the inventory knows of has no steps
	if have.Here != nil && !have.Owned {
		if d, err = c.adoption(kind, n, d, have); err != nil {
			c.refuse(n.Instance, n.Object.Pos, Refused, err.Error())
			return
		}
	}
	change := c.change(kind, n, d, have, entry)
	if d.Action == actuators.None && entry != nil && entry.Same(change.Entry) {
		return
	}
	if works {
		change.Steps, err = kind.Steps(c.subject(n.Instance, n.Hash), d, n.Spec, have)
	}
	switch {
	case err != nil:
		c.refuse(n.Instance, n.Object.Pos, Refused, trimRefused(err))
	case works && len(change.Steps) == 0 && kind.Changes():
		c.refuse(n.Instance, n.Object.Pos, Refused, fmt.Sprintf("internal error: kind %s has no step to %s it", kind.Name, d.Action))
	default:
		c.Changes = append(c.Changes, change)
		c.leave(change)
	}
}

// remark notes what a changed declaration means that no look can tell.
func (c *comparison) remark(kind *actuators.Kind, n *schema.Node, entry *inventory.Entry, have actuators.HaveJSON) {
	if entry == nil || entry.Hash == n.Hash {
		return
	}
	remarks, err := kind.Remarks(entry.Spec, n.Spec, have.Here != nil)
	if err != nil {
		remarks = []string{"what was applied last cannot be read: " + err.Error()}
	}
	c.note(n.Instance, remarks...)
}

// leave notes where a move takes its object away from.
func (c *comparison) leave(change *Change) {
	if change.Action == actuators.Migrate {
		for host := range change.Have.Elsewhere {
			c.leaves[change.Instance.ID.On(host)] = true
		}
	}
}

// adoption is the diff of a thing that is to be taken over: marks are written and nothing else, where it is as it is declared. Where no
// mark is possible the inventory alone takes it over.
func (c *comparison) adoption(kind *actuators.Kind, n *schema.Node, d actuators.Diff, have actuators.HaveJSON) (actuators.Diff, error) {
	differs := d
	if d.Action == actuators.Adopting { // then the kind said nothing of the rest
		have.Owned = true
		whole, err := kind.Diff(n.Spec, have)
		if err != nil {
			return d, err
		}
		differs, _ = Managed(c.Want.Ignores, c.Rules.Now, n.Instance, whole)
	}
	switch {
	case differs.Action != actuators.None:
		return d, fmt.Errorf("it is to be adopted and differs: %s; adopting changes nothing: declare it as it is, and change it afterwards", fields(differs))
	case d.Action != actuators.Adopting && !kind.Unmarked:
		return d, fmt.Errorf(`a %s that was not made by us cannot be taken over; choose another name, or declare it with manage: "observe"`, kind.Name)
	}
	d.Action = actuators.Adopting
	return d, nil
}

func (c *comparison) change(kind *actuators.Kind, n *schema.Node, d actuators.Diff, have actuators.HaveJSON, entry *inventory.Entry) *Change {
	recorded := inventory.Of(n, c.Want.Commit)
	change := &Change{
		Instance: n.Instance, Action: d.Action, Diff: d, Pos: n.Object.Pos, Want: n.Spec, Hash: n.Hash, Have: have,
		Entry: &recorded, Ground: kind.Ground(), After: n.After, Needs: recorded.Needs, Provides: n.Provides,
	}
	if entry != nil {
		recorded.Was = entry.Was
		change.Released = entry.Provides
	}
	return change
}

// fields names the first fields of a diff.
func fields(d actuators.Diff) string {
	if len(d.Changes) == 0 {
		return d.Action.String()
	}
	var paths []string
	for _, change := range d.Changes {
		paths = append(paths, change.Path)
	}
	if most := 6; len(paths) > most {
		paths = append(paths[:most], fmt.Sprintf("%d more", len(paths)-most))
	}
	return strings.Join(slices.Compact(paths), ", ")
}

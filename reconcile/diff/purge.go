package diff

import (
	"fmt"
	"slices"
	"time"

	"plumbline/actuators"
	"plumbline/reconcile/inventory"
	"plumbline/schema"
)

// Aside is one instance that was set aside and is not declared, or what was set aside of one that is.
type Aside struct {
	Entry   *inventory.Entry
	Things  []actuators.Aside // as seen; several when an undo set aside what was written meanwhile
	Unknown string            // why it could not be seen, or may not go now; then Things says nothing
	Steps   []actuators.Step  // that would purge it
	have    actuators.HaveJSON
}

// Copies tells whether it is declared, and only older copies of it are meant: it stays.
func (a Aside) Copies() bool { return a.Entry.Retired == nil }

// Due is when its time is over. Zero for copies, of which no time was recorded by this machine's clock.
func (a Aside) Due(keep time.Duration) time.Time {
	if a.Copies() {
		return time.Time{}
	}
	return a.Entry.Retired.Add(keep)
}

// Waiting is an object, or what is left of one, that was set aside.
type Waiting struct {
	ID     schema.ID
	Asides []Aside // by host
	Effect string  // of its purge; "" when not all of it could be seen
}

// Waits gathers what was set aside and is not declared, and older copies of what is, by object.
func Waits(in Input) []Waiting {
	c := &comparison{Input: in}
	var entries []*inventory.Entry
	for i, entry := range in.Inventory {
		if entry.Retired != nil && in.Want.Node(i) == nil {
			entries = append(entries, entry)
		}
	}
	for id := range in.World.index() {
		entries = append(entries, c.copied(id)...)
	}
	return c.waits(entries)
}

func (c *comparison) waits(entries []*inventory.Entry) []Waiting {
	slices.SortFunc(entries, func(a, b *inventory.Entry) int { return a.Instance.Compare(b.Instance) })
	var out []Waiting
	for _, entry := range entries {
		if n := len(out); n == 0 || out[n-1].ID != entry.Instance.ID {
			out = append(out, Waiting{ID: entry.Instance.ID})
		}
		w := &out[len(out)-1]
		w.Asides = append(w.Asides, c.aside(entry))
	}
	for n := range out {
		out[n].effect()
	}
	return out
}

// aside looks up what was set aside of an instance, and plans the end of it.
func (c *comparison) aside(entry *inventory.Entry) Aside {
	a := Aside{Entry: entry}
	kind, ok := c.Kinds.Kind(entry.Instance.ID.Kind())
	if !ok || !kind.Purges() {
		a.Unknown = "this version cannot purge a thing of this kind"
		return a
	}
	seen := c.World.of(entry.Instance.ID, nil)
	look := c.World.Look(entry.Instance.Host, kind.Name)
	have, known, why := seen.have(kind, entry.Instance.Host, c.Installation, true)
	if known && !look.All {
		known, why = false, "its kind was not observed in full on this host"
	}
	if known && a.Copies() {
		why = c.keeps(entry.Instance, have)
		known, a.have = why == "", have
	}
	if !known {
		a.Unknown = why
		return a
	}
	for _, one := range seen.in(look) {
		if one.look != look || !one.Retired || !one.ours(c.Installation) {
			continue
		}
		steps, err := kind.Steps(c.subject(entry.Instance, entry.Hash), actuators.Diff{Action: actuators.Purge}, nil, actuators.HaveJSON{Retired: one.State})
		if err != nil {
			a.Unknown = trimRefused(err)
			return a
		}
		a.Things, a.Steps, a.have.Retired = append(a.Things, one.Aside), append(a.Steps, steps...), one.State
	}
	return a
}

// effect is the digest of purging all of an object: of the steps, and of when it was set aside, for names repeat. Of copies the
// host's word for that has to do.
func (w *Waiting) effect() {
	sum := newDigest()
	for _, a := range w.Asides {
		if a.Unknown != "" {
			return
		}
		if sum.add(a.Entry.Instance.String()); !a.Copies() {
			sum.add(a.Entry.Retired.UTC().Format(time.RFC3339Nano))
		}
		for n := range a.Things {
			if a.Copies() {
				sum.add(a.Things[n].Since.UTC().Format(time.RFC3339Nano))
			}
		}
		sum.steps(a.Steps)
	}
	w.Effect = sum.text()
}

// due tells whether the time of all of it is over.
func (w *Waiting) due(r Rules) bool {
	return !slices.ContainsFunc(w.Asides, func(a Aside) bool { return r.Now.Before(a.Due(r.Keep)) })
}

// unpurged says why a purge that has a line does not happen. Of what is declared that is a note: a refusal would freeze it, for a line
// that is left of an earlier purge.
func (c *comparison) unpurged(w *Waiting, i schema.Instance, pos schema.Pos, class Class, why string) {
	if slices.ContainsFunc(w.Asides, Aside.Copies) {
		c.note(i, fmt.Sprintf("%s: what was set aside of it is not purged: %s", pos, why))
		return
	}
	if class == Refused {
		why = "it is not purged: " + why
	}
	c.refuse(i, pos, class, why)
}

// purge destroys what was set aside, where people agreed to exactly that, and reminds them when its time is over.
func (c *comparison) purge(retired []*inventory.Entry) {
	waiting := map[schema.ID]bool{}
	for _, w := range c.waits(append(retired, c.copiedAndApproved()...)) {
		waiting[w.ID] = true
		first := w.Asides[0].Entry
		approval := c.Want.Approval(schema.ToPurge, w.ID)
		if n := slices.IndexFunc(w.Asides, func(a Aside) bool { return a.Unknown != "" }); n >= 0 {
			if approval != nil {
				c.unpurged(&w, w.Asides[n].Entry.Instance, approval.Pos, Unknown, w.Asides[n].Unknown)
			}
			continue
		}
		pos, ok, why := c.agreed(schema.ToPurge, w.ID, w.Effect)
		switch {
		case ok:
			c.purged(w, pos)
		case approval != nil:
			c.unpurged(&w, first.Instance, pos, Refused, why)
		case w.due(c.Rules):
			c.note(first.Instance, fmt.Sprintf("was set aside on %s and may be purged; %s", first.Retired.Format(time.DateOnly), why))
		}
	}
	c.idleApprovals(waiting)
}

// purged adds the changes that purge an object.
func (c *comparison) purged(w Waiting, pos schema.Pos) {
	for _, a := range w.Asides {
		kind, _ := c.Kinds.Kind(w.ID.Kind())
		change := &Change{Instance: a.Entry.Instance, Pos: pos, Approved: pos, Have: a.have, Ground: kind.Ground(), After: a.Entry.After}
		if a.Copies() {
			change.Entry, change.After = a.Entry, nil
			c.note(a.Entry.Instance, "stays as it is declared; what is purged was set aside of it")
		}
		if len(a.Steps) > 0 {
			change.Action, change.Steps = actuators.Purge, a.Steps
			change.Diff.Action = actuators.Purge
		}
		c.Changes = append(c.Changes, change)
		if left := a.Due(c.Rules.Keep).Sub(c.Rules.Now); left > 0 && !a.Copies() {
			c.note(a.Entry.Instance, fmt.Sprintf("is purged %s before its time, as approved", days(left)))
		}
	}
}

func days(d time.Duration) string {
	if n := int((d + 24*time.Hour - 1) / (24 * time.Hour)); n > 1 {
		return fmt.Sprintf("%d days", n)
	}
	return "a day"
}

// restored tells whether a thing that was set aside is put back because it is declared.
func (c *comparison) restored(id schema.ID) bool {
	return slices.ContainsFunc(c.Changes, func(change *Change) bool { return change.Instance.ID == id && change.Action == actuators.Restore })
}

// idleApprovals says what approvals do nothing: they can go. One that would purge what is to be put back is a mistake.
func (c *comparison) idleApprovals(waiting map[schema.ID]bool) {
	for _, a := range c.Want.Approvals {
		switch {
		case a.To == schema.ToPurge && waiting[a.Object], c.used[a.To][a.Object]:
		case a.To == schema.ToPurge && c.restored(a.Object):
			c.refuse(a.Object.On(""), a.Pos, Refused, "it is declared, and what is declared is never purged; take out its approval, or its declaration")
		case a.To == schema.ToPurge && c.Want.Object(a.Object) != nil:
			c.note(a.Object.On(""), fmt.Sprintf("%s approves to purge it: it is declared and stays, and nothing is set aside of it; the line can go", a.Pos))
		default:
			c.note(a.Object.On(""), fmt.Sprintf("%s approves to %s it, and there is nothing to %s; the line can go", a.Pos, a.To, a.To))
		}
	}
}

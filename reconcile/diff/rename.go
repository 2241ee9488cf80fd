package diff

import (
	"fmt"
	"slices"
	"strings"

	"plumbline/actuators"
	"plumbline/reconcile/inventory"
	"plumbline/schema"
)

// former tells of the earlier names that declared objects give with `was` and that are still applied. A `was` whose name is
// not applied any more says nothing.
type former struct {
	entries map[schema.Instance]*inventory.Entry // by the instance of the new name on the same host
	now     map[schema.ID]schema.ID              // earlier name → the object that declares it
	at      map[schema.ID]string                 // object → a host where it is under its earlier name
	shared  map[schema.ID]bool                   // objects that are declared on such a host
	applied map[schema.ID]bool                   // objects that are applied somewhere under the name that they have now
	aside   map[schema.Instance]bool             // of the new name: what it was is set aside on that host
	going   map[string][]string                  // by kind: names that are applied and no longer declared
	back    map[schema.ID]schema.ID              // declared again under a name that it was renamed from → what it is called now
}

// formerNames reads the inventory. astray: there is something in it that is not declared.
func formerNames(in Input, astray bool) former {
	f := former{back: map[schema.ID]schema.ID{}, entries: map[schema.Instance]*inventory.Entry{}, now: map[schema.ID]schema.ID{}, at: map[schema.ID]string{}, shared: map[schema.ID]bool{},
		applied: map[schema.ID]bool{}, aside: map[schema.Instance]bool{}, going: map[string][]string{}}
	for _, o := range in.Want.Objects {
		if o.Meta.Was != "" {
			f.now[schema.MakeID(o.ID.Kind(), o.Meta.Was)] = o.ID
		}
	}
	if astray {
		f.turnBack(in)
	}
	if len(f.now) == 0 {
		return f
	}
	for i, entry := range in.Inventory {
		now := f.now[i.ID]
		switch {
		case entry.Retired != nil:
			if now != "" {
				f.aside[now.On(i.Host)] = true
			}
			continue
		case in.Want.Object(i.ID) != nil:
			f.applied[i.ID] = true
		default:
			f.going[i.ID.Kind()] = append(f.going[i.ID.Kind()], i.ID.Name())
		}
		if now == "" {
			continue
		}
		if at := f.at[now]; at == "" || i.Host < at {
			f.at[now] = i.Host
		}
		if in.Want.Node(now.On(i.Host)) != nil {
			f.entries[now.On(i.Host)], f.shared[now] = entry, true
		}
	}
	return f
}

// turnBack finds what was renamed, is declared no more, and is declared again under a name that it had: a commit that takes a
// renaming back says nothing of it, and is no reason to set aside what was renamed and make another.
func (f former) turnBack(in Input) {
	var renamed []*inventory.Entry
	for _, entry := range in.Inventory {
		if len(entry.Was) > 0 && entry.Retired == nil && in.Want.Object(entry.Instance.ID) == nil && f.now[entry.Instance.ID] == "" {
			renamed = append(renamed, entry)
		}
	}
	slices.SortFunc(renamed, func(a, b *inventory.Entry) int { return a.Instance.Compare(b.Instance) })
	for _, entry := range renamed {
		for _, name := range entry.Was {
			id := schema.MakeID(entry.Instance.ID.Kind(), name)
			o, held := in.Want.Object(id), in.Inventory[id.On(entry.Instance.Host)]
			if o == nil || o.Meta.Was != "" || held != nil || f.back[id] != "" && f.back[id] != entry.Instance.ID {
				continue
			}
			f.now[entry.Instance.ID], f.back[id] = id, entry.Instance.ID
			break
		}
	}
}

// was is the earlier name of an object; "" is none.
func (f former) was(o *schema.Object) string {
	if now, back := f.back[o.ID]; back {
		return now.Name()
	}
	return o.Meta.Was
}

// strayed tells where an object is under its earlier name, when it is declared on none of those hosts.
func (f former) strayed(id schema.ID) string {
	if f.shared[id] {
		return ""
	}
	return f.at[id]
}

// keeps tells who says that an entry is what it was: then it is not taken away.
func (f former) keeps(i schema.Instance) (now schema.ID, ok bool) {
	now = f.now[i.ID]
	return now, now != "" && (f.entries[now.On(i.Host)] != nil || f.strayed(now) != "")
}

// renamed compares an instance that was another one, and tells whether that settles it: when nothing is there under the
// earlier name any more, it is an instance like any other.
func (c *comparison) renamed(kind *actuators.Kind, n *schema.Node, entry *inventory.Entry, have actuators.HaveJSON) bool {
	refuse := func(class Class, text string) bool {
		c.refuse(n.Instance, n.Object.Pos, class, text)
		return true
	}
	if c.former.was(n.Object) == "" {
		return false
	}
	if host := c.former.strayed(n.ID); host != "" && entry == nil {
		return refuse(Refused, fmt.Sprintf("it was %q, which is on %s: declare it there, and move it in a second commit", c.former.was(n.Object), host))
	}
	old := c.former.entries[n.Instance]
	if old == nil {
		return entry == nil && n.Object.Meta.Was != "" && !c.former.applied[n.ID] && c.unheard(kind, n, have)
	}
	was := old.Instance.ID
	live, known, why := c.seen(was).have(kind, n.Host, c.Installation, true)
	switch {
	case old.Stuck != "":
		return refuse(Stuck, "it was "+string(was)+": "+stuckText(old))
	case !known:
		return refuse(Unknown, why)
	case live.Here == nil && kind.HoldsData && have.Here == nil:
		return refuse(Missing, fmt.Sprintf("it was %s, which held data, was applied by us and is gone; find it, or take was out: then this is made new, and what was lost is forgotten", was))
	case live.Here == nil:
		return false
	case kind.HoldsData && !kind.Unmarked && live.Mark == nil:
		return refuse(Unknown, fmt.Sprintf("what is there as %s has lost our mark, and it held data: keep that name until it is taken back", was))
	case !live.Owned:
		return refuse(Foreign, fmt.Sprintf("what is there as %s is not ours; take was out", was))
	case have.Owned || entry != nil && entry.Retired == nil:
		return refuse(Refused, fmt.Sprintf("it was %s, and both are there: take was out, and %s is set aside, or put it back into the topology", was, was))
	case have.Retired != nil || entry != nil:
		return refuse(Refused, fmt.Sprintf("it was %s, and what was set aside of an earlier %s keeps its name: purge that first (plumb retired), or choose another name", was, n.ID))
	case have.Here != nil:
		return refuse(Foreign, foreignText(have))
	}
	c.rename(kind, n, old, live)
	return true
}

// rename plans that what is there under an earlier name gets the object's, and what else differs then.
func (c *comparison) rename(kind *actuators.Kind, n *schema.Node, old *inventory.Entry, live actuators.HaveJSON) {
	sub, was := c.subject(n.Instance, n.Hash), old.Instance.ID
	steps, after, err := kind.Rename(sub, was, n.Spec, live)
	if err != nil {
		c.refuse(n.Instance, n.Object.Pos, Refused, fmt.Sprintf("it was %q: %s", was.Name(), trimRefused(err)))
		return
	}
	have := actuators.HaveJSON{Here: after, Mark: &sub.Mark, Owned: true}
	d, err := kind.Diff(n.Spec, have)
	var more []actuators.Step
	if err == nil && d.Action != actuators.None {
		more, err = kind.Steps(sub, d, n.Spec, have)
	}
	if err != nil {
		c.refuse(n.Instance, n.Object.Pos, Refused, trimRefused(err))
		return
	}
	c.note(n.Instance, d.Notes...)
	c.remark(kind, n, old, live)
	d.Action = actuators.Update
	change := c.change(kind, n, d, live, old)
	change.Was, change.Steps = was, append(steps, more...)
	change.Entry.Was = earlierNames(old, n.ID.Name())
	c.Changes = append(c.Changes, change)
	c.moves[old.Instance] = true
}

// earlierNames are those of a thing that gets another one: its last, and those before it, each once.
func earlierNames(old *inventory.Entry, now string) []string {
	names := []string{old.Instance.ID.Name()}
	for _, name := range old.Was {
		if name != now && name != names[0] {
			names = append(names, name)
		}
	}
	return names[:min(len(names), earlierMost)]
}

// earlierMost is how many renamings a commit can take back without saying so.
const earlierMost = 8

// unheard says of an object that was never applied, under neither name, why nothing is renamed, and tells whether that settles
// it. After a renaming was applied, was says nothing any more.
func (c *comparison) unheard(kind *actuators.Kind, n *schema.Node, have actuators.HaveJSON) bool {
	was := schema.MakeID(n.ID.Kind(), n.Object.Meta.Was)
	live, known, _ := c.seen(was).have(kind, n.Host, c.Installation, false)
	switch {
	case known && live.Here != nil && live.Owned && live.Mark != nil:
		c.refuse(n.Instance, n.Object.Pos, Refused, fmt.Sprintf("it was %s, which stands there with our mark and is unknown here: was the state lost? say \"plumb recover\"", was))
		return true
	case c.former.aside[n.Instance] && kind.HoldsData:
		c.refuse(n.Instance, n.Object.Pos, Refused, fmt.Sprintf("it was %s, which was set aside: declare it under that name, which puts it back, and rename it in a second commit; or take was out, and this is made new", was))
		return true
	case have.Here != nil && have.Owned: // ours, and only to be recorded
	case known && live.Here != nil:
		c.note(n.Instance, fmt.Sprintf("%s: was: %q names a thing that is not ours and is left as it is; to rename it, take it over under that name first (manage: \"adopt\")", n.Object.Pos, was.Name()))
	case n.Host == "" || n.Host == n.Object.Hosts[0]: // once an object
		c.note(n.Instance, fmt.Sprintf("%s: was: %q: nothing of that name was applied or stands, so this is made new; %s", n.Object.Pos, was.Name(), c.former.meant(was)))
	}
	return false
}

// meant is what to do about an earlier name that nobody knows.
func (f former) meant(was schema.ID) string {
	if near := schema.Nearest(was.Name(), f.going[was.Kind()]); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	if going := slices.Compact(slices.Sorted(slices.Values(f.going[was.Kind()]))); len(going) > 0 {
		most := min(len(going), 3)
		return fmt.Sprintf("what goes in the same plan is %s; or remove was", strings.Join(going[:most], ", "))
	}
	return "remove was, unless it is a slip"
}

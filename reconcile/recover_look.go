package reconcile

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	"plumbline/actuators"
	"plumbline/reconcile/diff"
	"plumbline/reconcile/inventory"
	"plumbline/schema"
)

// lookAround looks at every kind on every host of a topology, whether it is declared there or not: marks may be anywhere.
func (c *Controller) lookAround(ctx context.Context, want *schema.Graph) *diff.World {
	c.nameHosts(want)
	c.hosts.Retry()
	asked := targets(want, nil)
	for _, host := range hostsOf(want) {
		for _, name := range c.kinds.Names() {
			kind, _ := c.kinds.Kind(name)
			key := lookKey{host, name}
			if kind.Where() == schema.OnHost && asked[key] == nil {
				asked[key] = nil
			}
		}
	}
	world := diff.NewWorld()
	var mu sync.Mutex
	var group sync.WaitGroup
	for key, list := range asked {
		group.Go(func() {
			look := c.look(ctx, key.host, key.kind, actuators.Scope{All: true, Targets: list})
			mu.Lock()
			defer mu.Unlock()
			world.Add(look)
		})
	}
	group.Wait()
	return world
}

// hostsOf lists the hosts that a topology declares.
func hostsOf(g *schema.Graph) (names []string) {
	for _, o := range g.Objects {
		if o.ID.Kind() == "host" {
			names = append(names, o.ID.Name())
		}
	}
	return names
}

// highest asks the hosts for the highest epoch that any has seen.
func (c *Controller) highest(ctx context.Context, want *schema.Graph) uint64 {
	var epoch uint64
	for _, host := range hostsOf(want) {
		ctx, cancel := context.WithTimeout(ctx, lookTimeout)
		if executor, err := c.hosts.Get(ctx, host); err == nil {
			if hello, err := executor.Hello(ctx); err == nil {
				epoch = max(epoch, hello.Epoch)
			}
		}
		cancel()
	}
	return epoch
}

// unseen lists the hosts that could not be looked at about something that they should hold, with one reason each.
func unseen(world *diff.World, want *schema.Graph) (out []UnseenHost) {
	declared := targets(want, nil)
	for _, look := range world.Looks() {
		if look.Err == "" || declared[lookKey{look.Host, look.Kind}] == nil {
			continue
		}
		if n := len(out); n == 0 || out[n-1].Host != look.Host {
			out = append(out, UnseenHost{Host: look.Host, Err: look.Err})
		}
	}
	slices.SortStableFunc(out, func(a, b UnseenHost) int { return strings.Compare(a.Host, b.Host) })
	return slices.CompactFunc(out, func(a, b UnseenHost) bool { return a.Host == b.Host })
}

// fate decides what becomes of a declared instance. Its entry holds the spec that its mark names, if any commit has it.
func (e explained) fate(kind *actuators.Kind, n *schema.Node, world *diff.World, r *Recovery) Recovered {
	item := Recovered{Instance: n.Instance}
	entry := inventory.Of(n, e.best.Commit)
	entry.AppliedAt = r.At
	look := world.Look(n.Host, n.ID.Kind())
	if look == nil || look.Err != "" {
		item.Fate, item.entry, item.Text = NotSeen, &entry, "nobody looked at it"
		if look != nil {
			item.Text = look.Err
		}
		return item
	}
	var here, aside *actuators.Observed
	for k := range look.Found {
		one := &look.Found[k]
		ours := one.Mark != nil && one.Mark.Installation == r.Installation
		switch {
		case one.ID != n.ID:
		case one.Retired && ours:
			aside = one
		case !one.Retired && (here == nil || ours):
			here = one
		}
	}
	switch {
	case here == nil && aside != nil:
		item.Fate, item.Text = SetAside, "a removal put it aside; the next plan restores it"
	case here == nil && kind.HoldsData:
		item.Fate, item.entry, item.Text = Lost, &entry, "it holds data and is not there; it is never made anew by itself"
	case here == nil:
		item.Fate, item.Text = Absent, "the next plan makes it"
	case here.Mark != nil && here.Mark.Installation == r.Installation:
		item.Fate, item.entry = Taken, e.entry(n, here.Mark.Hash, &entry)
		entry.State = here.State
		item.Text = difference(kind, item.entry.Spec, here)
		if item.entry.Commit != e.best.Commit {
			item.Text = strings.TrimSuffix(fmt.Sprintf("as %.10s declared it; %s", item.entry.Commit, item.Text), "; ")
		}
	case here.Mark == nil && kind.Unmarked:
		item.Fate, item.entry = Taken, &entry
		entry.State = here.State
		if text := difference(kind, n.Spec, here); text != "" && kind.Changes() {
			item.Fate, item.entry, item.Text = Strange, nil, "it cannot carry a mark, and "+text
		}
	case here.Mark != nil:
		item.Fate, item.Text = Strange, "it belongs to the installation "+here.Mark.Installation
	default:
		item.Fate, item.Text = Strange, "it carries no mark"
	}
	return item
}

// entry is what was last applied of an instance, by the spec hash of its mark.
func (e explained) entry(n *schema.Node, hash string, entry *inventory.Entry) *inventory.Entry {
	if old := e.specs[applied{n.Instance, hash}]; hash != n.Hash && old.node != nil {
		at := entry.AppliedAt
		*entry = inventory.Of(old.node, old.commit)
		entry.AppliedAt = at
	}
	return entry
}

// difference tells how a live thing differs from a spec; "" when it does not.
func difference(kind *actuators.Kind, spec json.RawMessage, here *actuators.Observed) string {
	d, err := kind.Diff(spec, actuators.HaveJSON{Here: here.State, Mark: here.Mark, Owned: true})
	switch {
	case err != nil:
		return "it cannot be compared: " + err.Error()
	case d.Action != actuators.None && len(d.Changes) > 0:
		return fmt.Sprintf("it differs in %s", d.Changes[0].Path)
	case d.Action != actuators.None:
		return "it differs"
	}
	return ""
}

package crash

import (
	"context"
	"fmt"
	"slices"

	"plumbline/reconcile/inventory"
	"plumbline/reconcile/journal"
	"plumbline/reconcile/plan"
	"plumbline/reconcile/run"
	"plumbline/schema"
	"plumbline/testenv/sim"
)

// judge says what is not as it must be when the last process has ended by itself. Lost are the lanes of which the journal has
// acknowledged that they failed, and why.
func (p *player) judge(world *sim.World, store *journal.Store, c crash, lost map[int]string) (wrong []string) {
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	if open, err := store.OpenPlans(); err != nil || len(open) > 0 {
		say("%d plans are open, %v", len(open), err)
		return wrong
	}
	result, err := ended(store, p.plan.ID)
	if err != nil {
		return append(wrong, err.Error())
	}
	left := map[schema.Instance]bool{} // named as not as before
	outcomes := map[int]run.Outcome{}
	if result != nil {
		for _, r := range result.Residue {
			left[r.Instance] = true
			if r.State == journal.Stuck && c.how != "stuck" {
				say("%s is stuck for no reason: %s", r.Instance, r.Text)
			}
		}
		for _, l := range result.Lanes {
			outcomes[l.Lane] = l.Outcome
			if why, failed := lost[l.Lane]; failed && (l.Outcome == run.LaneApplied || string(l.Cause) != why) {
				say("lane %d failed (%s), and that is forgotten: it is %q (%s)", l.Lane, why, l.Outcome, l.Cause)
			}
		}
	}
	now := see(p.t, world, p.plan)
	inv, err := store.Inventory()
	must(p.t, err)
	if result != nil {
		for _, r := range result.Residue {
			if entry := inv[r.Instance]; r.State == journal.Stuck && (entry == nil || entry.Stuck == "") {
				say("%s is stuck, and the inventory does not say so", r.Instance)
			}
		}
	}
	for _, l := range p.plan.Lanes {
		before, after := p.compare(l, now, inv, left, false), p.compare(l, now, inv, left, true)
		applied := outcomes[l.ID] == run.LaneApplied
		switch {
		case applied && after != "":
			say("lane %d is said to be applied, and %s", l.ID, after)
		case !applied && before != "":
			say("lane %d is %q, and is not as before: %s (nor as after: %s)", l.ID, outcomes[l.ID], before, after)
		}
	}
	for i := range now {
		if p.renames(i) {
			continue // judged with what it is called now
		}
		if p.plan.Change(i) == nil && now[i].differs(p.start[i]) != "" {
			say("%s, which no plan names, changed: %s", i, now[i].differs(p.start[i]))
		}
	}
	for _, host := range hostsOf(p.plan) {
		conn, err := world.Dial(context.Background(), host, "")
		must(p.t, err)
		hello, err := conn.Hello(context.Background())
		must(p.t, err)
		if len(hello.Waiting) > 0 {
			say("on %s still waits for a confirmation: %v", host, hello.Waiting)
		}
	}
	return wrong
}

// compare tells how a lane is not as after, or as before; "" when it is, in the world and in the inventory.
func (p *player) compare(l plan.Lane, now picture, inv inventory.Inventory, left map[schema.Instance]bool, after bool) string {
	want := p.start
	if after {
		want = p.end
	}
	for _, i := range l.Objects {
		if left[i] {
			continue
		}
		if why := now[i].differs(want[i]); why != "" {
			return fmt.Sprintf("%s: %s", i, why)
		}
		if why := p.recorded(i, inv[i], after); why != "" {
			return fmt.Sprintf("%s: %s", i, why)
		}
		if why := p.earlier(i, now, want, inv, after); why != "" {
			return fmt.Sprintf("%s, under its earlier name: %s", i, why)
		}
	}
	return ""
}

// renames tells whether the plan takes an instance's name from it.
func (p *player) renames(i schema.Instance) bool {
	return slices.ContainsFunc(p.plan.Changes, func(c *plan.Change) bool { return c.Was != "" && c.Was.On(c.Instance.Host) == i })
}

// earlier tells what is wrong under the name that a change takes from its object; "" when it takes none.
func (p *player) earlier(i schema.Instance, now, want picture, inv inventory.Inventory, after bool) string {
	change := p.plan.Change(i)
	if change.Was == "" {
		return ""
	}
	was := change.Was.On(i.Host)
	if why := now[was].differs(want[was]); why != "" {
		return why
	}
	if (inv[was] != nil) == after {
		return fmt.Sprintf("the inventory has %+v", inv[was])
	}
	return ""
}

// recorded tells how the inventory does not agree.
func (p *player) recorded(i schema.Instance, entry *inventory.Entry, after bool) string {
	prior := p.prior[i]
	change := p.plan.Change(i)
	switch {
	case entry != nil && entry.Stuck != "":
		return "the inventory says that it is stuck: " + entry.Stuck
	case after && change.Entry != nil && (entry == nil || entry.Retired != nil || entry.Hash != change.Entry.Hash):
		return fmt.Sprintf("the inventory has %+v, not what was applied", entry)
	case after && change.Entry == nil && entry != nil && entry.Retired == nil:
		return "the inventory has what was taken away"
	case !after && (prior == nil) != (entry == nil):
		return fmt.Sprintf("the inventory has %+v, and had %+v", entry, prior)
	case !after && prior != nil && (entry.Hash != prior.Hash || (entry.Retired == nil) != (prior.Retired == nil)):
		return "the inventory does not have what it had"
	}
	return ""
}

// unlike lists what differs between two pictures.
func (p *player) unlike(now, want picture) map[schema.Instance]string {
	out := map[schema.Instance]string{}
	for _, all := range []picture{now, want} {
		for i := range all {
			if why := now[i].differs(want[i]); why != "" {
				out[i] = why
			}
		}
	}
	return out
}

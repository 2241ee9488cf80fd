package reconcile

import (
	"time"

	"plumbline/reconcile/diff"
	"plumbline/reconcile/plan"
	"plumbline/reconcile/window"
	"plumbline/schema"
)

// order says by whose order something is done, which change windows ask.
type order int

const (
	loop   order = iota // the controller's own: every window binds it
	person              // somebody's: windows with manual do not bind it
	free                // a way back, or a mere look: no window is asked
)

func thing(l *diff.Labels, i schema.Instance) window.Thing {
	return window.Thing{ID: i.ID, Labels: l.Of(i.Host)}
}

// wait takes out of a comparison what no change window lets through now, and tells when the first of it may be done.
func (c *Controller) wait(in diff.Input, result diff.Result, by order) (diff.Result, time.Time) {
	if len(c.windows) == 0 || by == free {
		return result, time.Time{}
	}
	carried, now, opens := diff.NewLabels(in.Want, in.Inventory), in.Rules.Now, time.Time{}
	var closed []diff.Refusal
	for _, change := range result.Changes {
		if len(change.Steps) == 0 {
			continue
		}
		d := c.windows.Decide(thing(carried, change.Instance), now, by == person)
		if d.Open {
			continue
		}
		closed = append(closed, diff.Refusal{Instance: change.Instance, Class: diff.Closed, Pos: change.Pos, Text: d.Why})
		if !d.Next.IsZero() && (opens.IsZero() || d.Next.Before(opens)) {
			opens = d.Next
		}
	}
	return result.Bar(in, closed), opens
}

// may is asked before each lane of a plan begins: a window may have closed since the plan began, and somebody may have frozen
// everything. What has begun goes on to its end, or back.
func (c *Controller) may(p *plan.Plan, by order) func([]schema.Instance) string {
	var carried *diff.Labels
	return func(objects []schema.Instance) string {
		if why := c.frozen(); why != "" {
			return why
		}
		if len(c.windows) == 0 || by == free {
			return ""
		}
		if carried == nil {
			inv, err := c.inventory()
			if err != nil {
				return err.Error()
			}
			graph := c.loaded.Load()
			if graph != nil && graph.Commit != p.Commit {
				graph = nil
			}
			carried = diff.NewLabels(graph, inv)
		}
		for _, i := range objects {
			if d := c.windows.Decide(thing(carried, i), c.now(), by == person); !d.Open && !d.Overrun {
				return i.String() + " was not begun: " + d.Why
			}
		}
		return ""
	}
}

// mayHeal tells whether the windows let the controller heal an instance now.
func (c *Controller) mayHeal(i schema.Instance) bool {
	if len(c.windows) == 0 {
		return true
	}
	inv, err := c.inventory()
	return err == nil && c.windows.Decide(thing(diff.NewLabels(nil, inv), i), c.now(), false).Open
}

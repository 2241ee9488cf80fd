package reconcile

import (
	"fmt"
	"slices"

	"plumbline/reconcile/inventory"
	"plumbline/reconcile/plan"
	"plumbline/schema"
)

// Remembered is what the state directory knows when no controller runs.
func (c *Controller) Remembered() (Status, error) {
	s := Status{Phase: Stopped, Suspended: c.suspension(), Windows: c.windows.Report(c.now())}
	commits, err := c.memory.Commits()
	if err != nil {
		return s, err
	}
	inv, err := c.inventory()
	if err != nil {
		return s, err
	}
	parked, err := c.memory.Parked()
	if err != nil {
		return s, err
	}
	s.Head, s.Signer, s.Applied = commits.Highest, commits.Signer, commits.Applied
	s.Objects = objects(inv)
	for digest, p := range parked {
		s.Held = append(s.Held, fmt.Sprintf("%.19s failed with commit %s: %s", digest, plan.ShortCommit(p.Commit), p.Reason))
	}
	slices.Sort(s.Held)
	s.drifted(c.oneLook())
	return s, nil
}

// objects counts what is applied: an object is one, however many hosts it is on.
func objects(inv inventory.Inventory) int {
	seen := map[schema.ID]bool{}
	for i, entry := range inv {
		if entry.Retired == nil {
			seen[i.ID] = true
		}
	}
	return len(seen)
}

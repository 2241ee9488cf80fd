package notify

import (
	"context"
	"fmt"
)

// Commits sets a status on the commits that notices are about: what came of applying one, and whether what it declares drifts.
type Commits struct {
	Name   string
	Report func(ctx context.Context, commit, state, about, text string) error // state: success | failure | error
	Open   func() []Notice                                                    // what fires
}

// The contexts of a status.
const (
	statusApply = "plumb/apply"
	statusDrift = "plumb/drift"
)

// Send sets the status, if the notice is about a commit of the repository.
func (c *Commits) Send(ctx context.Context, n Notice) error {
	if len(n.Commit) != 40 {
		return nil
	}
	switch {
	case n.Fingerprint != "":
		return c.drift(ctx, n)
	case n.Reason == ReasonApplied:
		return c.Report(ctx, n.Commit, "success", statusApply, n.Message)
	case n.Reason == ReasonPartlyApplied, n.Reason == ReasonRolledBack, n.Reason == ReasonRollbackFailed, n.Reason == ReasonPlanRefused,
		n.Reason == ReasonValidationFailed, n.Reason == ReasonUntrusted:
		return c.Report(ctx, n.Commit, "failure", statusApply, n.Message)
	}
	return nil
}

func (c *Commits) drift(ctx context.Context, n Notice) error {
	fires := 0
	for _, open := range c.Open() {
		if open.Commit == n.Commit {
			fires++
		}
	}
	switch {
	case fires == 0:
		return c.Report(ctx, n.Commit, "success", statusDrift, "everything that it declares is as it was applied")
	case fires == 1 && n.Status == Firing:
		return c.Report(ctx, n.Commit, "failure", statusDrift, n.Message)
	}
	return c.Report(ctx, n.Commit, "failure", statusDrift, fmt.Sprintf("%d alerts of drift", fires))
}

// String is "status NAME".
func (c *Commits) String() string { return "status " + c.Name }

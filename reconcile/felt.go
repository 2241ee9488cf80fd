package reconcile

import (
	"fmt"
	"slices"
	"time"

	"plumbline/reconcile/journal"
	"plumbline/reconcile/plan"
	"plumbline/schema"
)

// felt is what users felt of a change of what stays declared: what the plan promised, and the time from the beginning of the first step that was to be felt
// until the object was seen to be as its last step made it, ready by its own probe where it declares one. It was away for at most so long.
type felt struct {
	instance schema.Instance
	promised string
	took     time.Duration
}

func (f felt) String() string {
	return fmt.Sprintf("%s %s: %.1f s", f.instance.ID, f.promised, f.took.Seconds())
}

// mostFelt is how many of them stand in a message; the details hold all.
const mostFelt = 3

// felt is what the journal tells of a plan that went through, the longest first.
func (c *Controller) felt(p *plan.Plan) (out []felt) {
	if !slices.ContainsFunc(p.Changes, func(change *plan.Change) bool { return change.Disruption() != "" }) || c.store == nil {
		return nil
	}
	records, err := c.store.Records(p.ID)
	if err != nil {
		c.log.Error().Err(err).Msg("cannot tell how long users felt it")
		return nil
	}
	return feltOf(p, records)
}

// Felt is what users felt of a plan that has ended, as words, the longest first.
func (c *Controller) Felt(id string) (words []string, err error) {
	past, err := c.store.Plan(id)
	if err != nil {
		return nil, err
	}
	for _, one := range c.felt(past.Plan) {
		words = append(words, one.String())
	}
	return words, nil
}

func feltOf(p *plan.Plan, records []journal.Record) (out []felt) {
	of := map[string]schema.Instance{}
	begins, begun, done := map[string]bool{}, map[schema.Instance]time.Time{}, map[schema.Instance]time.Time{}
	for _, s := range p.Steps {
		of[s.ID], begins[s.ID] = s.Instance, s.Disruptive != ""
	}
	for _, r := range records {
		i := of[r.Step]
		switch {
		case r.State == journal.Begun && begins[r.Step] && begun[i].IsZero():
			begun[i] = r.At
		case r.State == journal.Done && !begun[i].IsZero():
			done[i] = r.At
		}
	}
	for _, change := range p.Changes {
		from, to := begun[change.Instance], done[change.Instance]
		if promised := change.Disruption(); promised != "" && change.Want != nil && !from.IsZero() && to.After(from) {
			out = append(out, felt{change.Instance, promised, to.Sub(from)})
		}
	}
	slices.SortStableFunc(out, func(a, b felt) int { return int(b.took - a.took) })
	return out
}

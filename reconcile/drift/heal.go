package drift

import (
	"context"
	"slices"
	"time"

	"plumbline/schema"
)

// An instance that was healed this often within this time is contended: healing stops, and a person is told.
const (
	healsAtMost = 3
	healsWithin = time.Hour
)

// When more than this part of all that was applied fires, and more than a few, drift looks like a fault of looking, and
// nothing is healed.
const (
	healShare = 0.5
	healFew   = 8
)

// healEvery is how often instances are tried whose pause is over.
const healEvery = time.Second

// healGather is how long a heal waits for more that fired of the same cause: told at once, they are healed in one plan.
const healGather = 150 * time.Millisecond

// keepHealing heals until the context ends, one plan at a time and beside the looking.
func (e *Engine) keepHealing(ctx context.Context) {
	if e.Options.Heal == nil {
		return
	}
	tick := time.NewTicker(healEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-e.fired:
			select {
			case <-ctx.Done():
				return
			case <-time.After(healGather):
			}
		}
		e.heal(ctx)
	}
}

// heal brings back what fires under the policy to heal.
func (e *Engine) heal(ctx context.Context) {
	if e.Frozen != nil && e.Frozen() {
		return
	}
	due := e.due()
	e.tell()
	if len(due) == 0 {
		return
	}
	if err := e.Options.Heal(ctx, due); err != nil && ctx.Err() == nil {
		e.Log.Warn().Err(err).Int("instances", len(due)).Msg("cannot heal")
	}
}

// due picks what may be healed now and counts it as healed.
func (e *Engine) due() []schema.Instance {
	s, err := e.owned.get()
	if err != nil {
		return nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	var due []schema.Instance
	now, firing := e.Now(), 0
	for i, incident := range e.incidents {
		if !incident.Open() || !incident.Clean.IsZero() {
			continue
		}
		if !incident.Booted { // which explains that it is much
			firing++
		}
		if incident.Phase == Firing && incident.Policy == Heal && incident.Muted == "" && !incident.Contended && e.masked[i] == 0 && e.rested(i, now) && (e.May == nil || e.May(i)) {
			due = append(due, i)
		}
	}
	if e.fault(firing, len(s.inventory), len(due) > 0) {
		return nil
	}
	if slices.ContainsFunc(due, func(i schema.Instance) bool { return e.pending[i] != nil }) { // nothing is healed before it is told
		if e.asking > 0 {
			return nil // until it is known who did it; then it is tried again
		}
		e.sort()
		due = slices.DeleteFunc(due, func(i schema.Instance) bool { return e.incidents[i].Muted != "" }) // which sorting finds out
	}
	slices.SortFunc(due, schema.Instance.Compare)
	return slices.DeleteFunc(due, func(i schema.Instance) bool { return !e.count(i, now) })
}

// fault tells whether so much drifts at once that the looking is to be doubted, and says so once.
func (e *Engine) fault(firing, all int, wanted bool) bool {
	if firing <= max(healFew, int(healShare*float64(all))) {
		e.withheld = false
		return false
	}
	if wanted && !e.withheld {
		e.withheld = true
		e.tooMuch(firing, all)
	}
	return true
}

// rested tells whether enough time went by since an instance was healed: nothing at first, then 5, 10, 20 … seconds.
func (e *Engine) rested(i schema.Instance, now time.Time) bool {
	recent := e.recent(i, now)
	if len(recent) == 0 {
		return true
	}
	pause := 5 * time.Second << (len(recent) - 1)
	return now.Sub(recent[len(recent)-1]) >= pause-healGather
}

// recent is when an instance was healed within the time that counts.
func (e *Engine) recent(i schema.Instance, now time.Time) []time.Time {
	return since(e.history(i).Heals, now, healsWithin)
}

// count notes an attempt; false means that the instance is contended, which is told once.
func (e *Engine) count(i schema.Instance, now time.Time) bool {
	incident := e.incidents[i]
	if heals := len(e.recent(i, now)); heals >= healsAtMost {
		incident.Contended = true
		e.contended(incident, heals)
		return false
	}
	e.lived(i, now, func(p *past) { p.Heals = append(p.Heals, now) })
	incident.Heals++
	e.rememberIncident(incident)
	return true
}

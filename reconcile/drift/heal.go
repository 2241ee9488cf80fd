package drift

import (
	"context"
	"fmt"
	"slices"
	"time"

	"plumbline/reconcile/notify"
	"plumbline/schema"
)

// An instance that was healed this often within this time is contended: healing stops, and a person is told.
const (
	healsAtMost = 3
	healsWithin = time.Hour
)

// healShare is the part of all that was applied above which drift looks like a fault of looking, and nothing is healed.
const healShare = 0.5

// heal brings back what fires under the policy to heal.
func (e *Engine) heal(ctx context.Context) {
	if e.Heal == nil || e.Frozen != nil && e.Frozen() {
		return
	}
	due := e.due()
	if len(due) == 0 {
		return
	}
	if err := e.Options.Heal(ctx, due); err != nil && ctx.Err() == nil {
		e.Log.Warn().Err(err).Int("instances", len(due)).Msg("cannot heal")
	}
}

// due picks what may be healed now and counts it as healed.
func (e *Engine) due() []schema.Instance {
	inv, err := e.Inventory()
	if err != nil {
		return nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	var due []schema.Instance
	now := e.Now()
	for i, incident := range e.incidents {
		if incident.Phase != Firing || incident.Policy != Heal || incident.Contended || e.masked[i] > 0 {
			continue
		}
		if last := e.lastHeal(i); now.Sub(last) < backoff(incident.Heals) {
			continue
		}
		due = append(due, i)
	}
	if len(due) > max(8, int(healShare*float64(len(inv)))) {
		e.Log.Warn().Int("instances", len(due)).Msg("too much drifts at once to be healed; that looks like a fault of looking")
		return nil
	}
	slices.SortFunc(due, schema.Instance.Compare)
	return slices.DeleteFunc(due, func(i schema.Instance) bool { return !e.count(i, now) })
}

func (e *Engine) lastHeal(i schema.Instance) time.Time {
	if list := e.healed[i]; len(list) > 0 {
		return list[len(list)-1]
	}
	return time.Time{}
}

// backoff spaces the attempts: at once, then 5, 10, 20 … seconds.
func backoff(heals int) time.Duration {
	if heals == 0 {
		return 0
	}
	return 5 * time.Second << min(heals-1, 6)
}

// count notes an attempt; false means that the instance is contended, which is told once.
func (e *Engine) count(i schema.Instance, now time.Time) bool {
	recent := slices.DeleteFunc(e.healed[i], func(at time.Time) bool { return now.Sub(at) > healsWithin })
	incident := e.incidents[i]
	if len(recent) >= healsAtMost {
		e.healed[i], incident.Contended = recent, true
		e.Notify(notify.Notice{
			ID: incident.Fingerprint + "/contended/" + incident.FirstSeen.UTC().Format("20060102T150405.000"), Fingerprint: incident.Fingerprint,
			Status: notify.Firing, Reason: notify.ReasonDriftContended, Severity: notify.Critical, Object: i, Declared: incident.Declared,
			Commit: incident.Commit, StartsAt: incident.FirstSeen,
			Message: fmt.Sprintf("%s was healed %d times within an hour and drifted again: somebody or something undoes it; healing stops", i, len(recent)),
		})
		return false
	}
	e.healed[i] = append(recent, now)
	incident.Heals++
	return true
}

package drift

import (
	"time"

	"plumbline/reconcile/inventory"
	"plumbline/reconcile/notify"
)

// What comes and goes more often than Options.Flaps within an hour is told once as flapping, and resolved when it stayed away
// for this long.
const (
	flapsWithin = time.Hour
	flapHold    = 15 * time.Minute
)

// flaps tells whether an incident came back so often that its coming and going is told no more. What we heal ourselves is
// judged by the number of heals instead.
func (e *Engine) flaps(i *Incident) bool {
	return e.Flaps > 0 && i.Policy != Heal && len(since(e.history(i.Instance).Onsets, e.Now(), flapsWithin)) > e.Flaps
}

// hold is how long an incident has to be seen as applied before it is resolved.
func (e *Engine) hold(i *Incident) time.Duration {
	if i.Flapping {
		return flapHold
	}
	return e.Hold
}

// cleared takes in that an instance is as applied again: it is resolved when that lasts.
func (e *Engine) cleared(i *Incident, entry *inventory.Entry, at time.Time) {
	if i.Open() {
		if i.Clean.IsZero() {
			i.Clean = at
		}
		if at.Sub(i.Clean) < e.hold(i) {
			return
		}
	}
	e.resolve(i, e.resolver(i, entry))
}

// returned takes in that an instance that was clean for a moment is not any more: it is the same incident.
func (e *Engine) returned(i *Incident) {
	now := e.Now()
	e.lived(i.Instance, now, func(p *past) { p.Onsets = append(p.Onsets, now) })
	signal(e.fired)
	if i.Flapping || !e.flaps(i) {
		return
	}
	i.Flapping = true
	if i.Sent > 0 && i.Muted == "" {
		e.open(i)
	}
	e.rememberIncident(i)
}

// holding lists the places of incidents that were clean for as long as they have to.
func (e *Engine) holding(now time.Time) (due []place) {
	for i, incident := range e.incidents {
		if !incident.Clean.IsZero() && now.Sub(incident.Clean) >= e.hold(incident) {
			due = append(due, placeOf(i))
		}
	}
	return due
}

// worse tells that what fires became critical, if it still is.
func (e *Engine) worse(i *Incident) {
	if i.Severity != notify.Critical || !i.Clean.IsZero() {
		return
	}
	if g := e.groups[i.Group]; g != nil {
		if g.Severity != notify.Critical {
			g.Severity = notify.Critical
			e.openGroup(g, "")
		}
	} else if i.Sent > 0 && i.Muted == "" {
		e.open(i)
	}
	e.rememberIncident(i)
}

package drift

import (
	"time"

	"plumbline/reconcile/diff"
	"plumbline/reconcile/inventory"
	"plumbline/reconcile/notify"
)

// step moves the incident of one instance on by one finding. The caller holds the lock.
func (e *Engine) step(entry *inventory.Entry, f diff.Finding, at time.Time, told hints) {
	incident := e.incidents[entry.Instance]
	if f = e.managed(entry, f); f.Class == diff.Clean && incident != nil && incident.Open() {
		if e.leftToOthers(incident) {
			return
		}
	}
	switch {
	case f.Class == diff.Unseen:
		return
	case f.Class == diff.Clean:
		e.good[entry.Instance] = at
		if incident != nil {
			e.cleared(incident, entry, at)
		}
		return
	}
	words, hinted := told.about(entry.Instance.ID)
	first := incident == nil
	if first {
		incident = newIncident(entry, f, e.Now())
		if good := e.lastGood(entry.Instance); good.After(incident.LastGood) {
			incident.LastGood = good
		}
		e.incidents[entry.Instance] = incident
	}
	if words != "" {
		incident.Told = words
	}
	if incident.Who == nil {
		incident.own, incident.near = append(incident.own, told[entry.Instance.ID].by...), append(incident.near, told[""].by...)
	}
	back := !incident.Clean.IsZero()
	incident.update(f)
	incident.Policy = e.policy(incident, entry)
	was := incident.Severity
	incident.Severity = e.graded(incident, hinted)
	switch {
	case incident.Phase == Suspected && (hinted || !first):
		e.fire(incident)
	case incident.Open() && back:
		e.returned(incident)
	case incident.Open() && incident.Severity == notify.Critical && was != notify.Critical:
		e.gather(incident, e.Now()) // told if it lasts: what is moved is gone for a moment
	}
}

// graded is the severity of an incident. What fires is worse when a second look or an event says so: a file that is written is
// empty for a moment.
func (e *Engine) graded(i *Incident, hinted bool) notify.Severity {
	now := severity(i)
	if doubted := !i.doubted.IsZero(); now == notify.Critical && i.Severity != notify.Critical && i.Open() && !hinted && !doubted {
		i.doubted = e.Now()
		return i.Severity
	}
	i.doubted = time.Time{}
	return now
}

// policy is the object's own word, then the configuration's for its kind; what holds data is healed only by its own word. Where nobody
// said anything, what a boot took along is made again.
func (e *Engine) policy(i *Incident, entry *inventory.Entry) Policy {
	kind, _ := e.Kinds.Kind(entry.Instance.ID.Kind())
	word := Policy(e.Policy[entry.Instance.ID.Kind()])
	switch {
	case !kind.Changes():
		return Alert
	case entry.Drift != "":
		return Policy(entry.Drift)
	case word == Ask:
		return Ask
	case kind.HoldsData:
		return Alert
	case word == Heal || word == "" && i.Booted:
		return Heal
	}
	return Alert
}

// fire has an incident told, alone or in a group, when what fires with it has gathered.
func (e *Engine) fire(i *Incident) {
	now := e.Now()
	i.Phase = Firing
	e.lived(i.Instance, now, func(p *past) { p.Onsets = append(p.Onsets, now) })
	i.Flapping = e.flaps(i)
	e.gather(i, now)
	signal(e.fired)
}

// resolver tells who brought an instance back.
func (e *Engine) resolver(i *Incident, entry *inventory.Entry) string {
	switch {
	case i.Heals > 0:
		return ByHeal
	case !entry.AppliedAt.After(i.FirstSeen):
		return ByManual
	case e.changed[i.Instance].After(i.FirstSeen):
		return ByApply
	}
	return ByAdopted
}

// resolve closes an incident; one that was never told just goes.
func (e *Engine) resolve(i *Incident, by string) {
	delete(e.incidents, i.Instance)
	delete(e.pending, i.Instance)
	if !i.Open() {
		return
	}
	i.Phase, i.ResolvedAt, i.ResolvedBy = Resolved, e.Now(), by
	e.remember(keyIncident+i.Instance.String(), nil)
	if i.Sent > 0 && i.Muted == "" {
		e.closed(i)
	}
	if i.Group != "" {
		e.left(i)
	}
}

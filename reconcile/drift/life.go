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
	switch {
	case f.Class == diff.Unseen:
		return
	case f.Class == diff.Clean:
		e.good[entry.Instance] = at
		if incident != nil {
			e.resolve(incident, e.resolver(incident, entry))
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
	was := severity(incident)
	incident.update(f)
	incident.Policy = e.policy(entry)
	switch {
	case incident.Phase == Suspected && (hinted || !first):
		e.fire(incident)
	case incident.Phase == Firing && severity(incident) == notify.Critical && was != notify.Critical:
		e.open(incident) // it became worse
	}
}

// policy is the object's own word, then the configuration's for its kind; what holds data is healed only by its own word.
func (e *Engine) policy(entry *inventory.Entry) Policy {
	kind, _ := e.Kinds.Kind(entry.Instance.ID.Kind())
	switch {
	case !kind.Changes():
		return Alert
	case entry.Drift != "":
		return Policy(entry.Drift)
	case kind.HoldsData:
		return Alert
	case e.Policy[entry.Instance.ID.Kind()] == string(Heal):
		return Heal
	}
	return Alert
}

func (e *Engine) fire(i *Incident) {
	i.Phase = Firing
	e.open(i)
	signal(e.fired)
}

// resolver tells who brought an instance back.
func (e *Engine) resolver(i *Incident, entry *inventory.Entry) string {
	switch {
	case i.Heals > 0:
		return "heal"
	case entry.AppliedAt.After(i.FirstSeen):
		return "apply"
	}
	return "hand"
}

// resolve closes an incident; one that was only suspected was never told and just goes.
func (e *Engine) resolve(i *Incident, by string) {
	delete(e.incidents, i.Instance)
	if i.Phase != Firing {
		return
	}
	i.Phase, i.ResolvedAt, i.ResolvedBy = Resolved, e.Now(), by
	e.closed(i)
}

// noLongerDeclared is who resolves the incident of what is not ours any more.
const noLongerDeclared = "no longer declared"

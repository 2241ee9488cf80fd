package drift

import (
	"encoding/json"
	"fmt"
	"strings"

	"plumbline/reconcile/diff"
	"plumbline/reconcile/inventory"
	"plumbline/reconcile/notify"
)

// step moves the incident of one instance on by one finding. The caller holds the lock.
func (e *Engine) step(entry *inventory.Entry, f diff.Finding, told bool) {
	incident := e.incidents[entry.Instance]
	switch {
	case f.Class == diff.Unseen:
		return
	case f.Class == diff.Clean:
		if incident != nil {
			e.resolve(incident, "")
		}
		return
	case incident == nil:
		incident = newIncident(entry, f, e.Now())
		incident.Policy = e.policy(entry)
		e.incidents[entry.Instance] = incident
		if told {
			e.fire(incident)
		}
		return
	}
	incident.update(f)
	if incident.Phase == Suspected {
		e.fire(incident)
	}
}

// policy is the object's own word, then the configuration's for its kind; what holds data is never healed by default.
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
	e.Notify(notify.Notice{
		ID: i.Fingerprint + "/" + i.FirstSeen.UTC().Format("20060102T150405.000"), Fingerprint: i.Fingerprint, Status: notify.Firing,
		Reason: notify.ReasonDrift, Severity: severity(i), Object: i.Instance, Declared: i.Declared, Commit: i.Commit, StartsAt: i.FirstSeen,
		Message: fmt.Sprintf("%s %s; %s", i.Instance, describe(i), map[Policy]string{Alert: "it is left as it is", Heal: "it will be healed"}[i.Policy]),
		Details: map[string]string{
			"heal":  "plumb heal " + i.Instance.String(),
			"since": i.FirstSeen.Format("2006-01-02 15:04:05"),
		},
	})
}

// resolve closes an incident; one that was only suspected was never told and just goes.
func (e *Engine) resolve(i *Incident, why string) {
	delete(e.incidents, i.Instance)
	if i.Phase != Firing {
		return
	}
	i.Phase, i.ResolvedAt, i.ResolvedBy = Resolved, e.Now(), "hand"
	if i.Heals > 0 {
		i.ResolvedBy = "heal"
	}
	if why != "" {
		i.ResolvedBy = why
	}
	reason := notify.ReasonDriftResolved
	if i.ResolvedBy == "heal" {
		reason = notify.ReasonDriftHealed
	}
	e.Notify(notify.Notice{
		ID: i.Fingerprint + "/" + i.FirstSeen.UTC().Format("20060102T150405.000"), Fingerprint: i.Fingerprint, Status: notify.Resolved,
		Reason: reason, Severity: severity(i), Object: i.Instance, Declared: i.Declared, Commit: i.Commit, StartsAt: i.FirstSeen, EndsAt: i.ResolvedAt,
		Message: fmt.Sprintf("%s is as declared again (by %s, after %.1f s)", i.Instance, i.ResolvedBy, i.ResolvedAt.Sub(i.FirstSeen).Seconds()),
	})
}

func severity(i *Incident) notify.Severity {
	if i.Class == diff.Gone {
		return notify.Critical
	}
	return notify.Warning
}

// describe says in a line what is different: "is gone", or the fields with what was applied and what is live.
func describe(i *Incident) string {
	if i.Class == diff.Gone {
		return "is gone"
	}
	var parts []string
	for n, c := range i.Changes {
		if n == 4 {
			parts = append(parts, fmt.Sprintf("%d more", len(i.Changes)-n))
			break
		}
		parts = append(parts, fmt.Sprintf("%s is %s, declared %s", c.Path, value(c.From), value(c.To)))
	}
	return "differs: " + strings.Join(parts, "; ")
}

func value(v any) string {
	switch v := v.(type) {
	case nil:
		return "absent"
	case string:
		return v
	}
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(data)
}

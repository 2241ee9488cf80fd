package drift

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"plumbline/reconcile/diff"
	"plumbline/reconcile/notify"
)

// notice is what all notices of an incident have in common; its ID never changes.
func (e *Engine) notice(i *Incident, status notify.Status, reason string, severity notify.Severity) notify.Notice {
	return notify.Notice{
		ID: i.id(), Fingerprint: i.Fingerprint, Status: status, Reason: reason, Severity: severity, Object: i.Instance,
		Declared: i.Declared, Commit: i.Commit, StartsAt: i.FirstSeen,
	}
}

// open tells that an incident fires, or that it became worse.
func (e *Engine) open(i *Incident) {
	n := e.notice(i, notify.Firing, notify.ReasonDrift, severity(i))
	n.Message = fmt.Sprintf("%s %s; %s", i.Instance, describe(i), map[Policy]string{Alert: "it is left as it is", Heal: "it will be healed"}[i.Policy])
	n.Details = map[string]string{"heal": "plumb heal " + i.Instance.String(), "since": i.FirstSeen.Format(time.DateTime)}
	if !i.LastGood.IsZero() {
		n.Details["last good"] = i.LastGood.Format(time.DateTime)
	}
	if i.Told != "" {
		n.Details["told"] = i.Told
	}
	e.outbox = append(e.outbox, n)
}

// closed tells that an incident is resolved, to the same sinks and under the same ID.
func (e *Engine) closed(i *Incident) {
	reason := notify.ReasonDriftResolved
	if i.ResolvedBy == "heal" {
		reason = notify.ReasonDriftHealed
	}
	n := e.notice(i, notify.Resolved, reason, severity(i))
	n.EndsAt = i.ResolvedAt
	n.Message = fmt.Sprintf("%s is as declared again (by %s, after %.1f s)", i.Instance, i.ResolvedBy, i.ResolvedAt.Sub(i.FirstSeen).Seconds())
	if i.ResolvedBy == noLongerDeclared {
		n.Message = fmt.Sprintf("%s is no longer declared", i.Instance)
	}
	e.outbox = append(e.outbox, n)
}

// contended tells that healing was given up.
func (e *Engine) contended(i *Incident, heals int) {
	n := e.notice(i, notify.Firing, notify.ReasonDriftContended, notify.Critical)
	n.Message = fmt.Sprintf("%s was healed %d times within an hour and drifted again: somebody or something undoes it; healing stops", i.Instance, heals)
	e.outbox = append(e.outbox, n)
}

// tooMuch tells that healing waits for a person, once until it is less again.
func (e *Engine) tooMuch(firing, all int) {
	e.outbox = append(e.outbox, notify.Notice{
		ID: "heal-withheld/" + e.Now().UTC().Format("20060102T150405.000"), Status: notify.Event, Reason: notify.ReasonHealWithheld, Severity: notify.Critical,
		StartsAt: e.Now(),
		Message:  fmt.Sprintf("%d of %d instances drift at once; that looks like a fault of looking, and nothing is healed by itself: look, then \"plumb heal\"", firing, all),
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
	if len(parts) == 0 {
		return "differs"
	}
	return "differs: " + strings.Join(parts, "; ")
}

func value(v any) string {
	switch v := v.(type) {
	case nil:
		return "absent"
	case string:
		if v == "" {
			return "absent"
		}
		return v
	}
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(data)
}

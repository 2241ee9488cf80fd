package drift

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"plumbline/reconcile/diff"
	"plumbline/reconcile/notify"
)

// notice is what all notices of an incident have in common. Its ID counts them.
func (e *Engine) notice(i *Incident, status notify.Status, reason string) notify.Notice {
	i.sending(e.Now())
	return notify.Notice{
		ID: i.id(), Fingerprint: i.Fingerprint, Status: status, Reason: reason, Severity: i.Severity, Object: i.Instance,
		Declared: i.Declared, Commit: i.Commit, StartsAt: i.FirstSeen,
	}
}

// next says what is done about an incident, by policy.
var next = map[Policy]string{
	Alert: "it is left as it is", Heal: "it will be healed", Ask: "whether it is healed is for a person to say",
}

// open tells that an incident fires, that it became worse, or that it comes and goes.
func (e *Engine) open(i *Incident) {
	reason, does := notify.ReasonDrift, next[i.Policy]
	if i.Booted {
		does = "its host booted; " + does
	}
	if i.Flapping {
		reason = notify.ReasonDriftFlapping
		does += fmt.Sprintf("; it came and went more than %d times within an hour, and is told again when it stayed away for %s", e.Flaps, short(flapHold))
	}
	n := e.notice(i, notify.Firing, reason)
	n.Message = fmt.Sprintf("%s %s; %s", i.Instance, describe(i), does)
	n.Details = e.details(i)
	e.decide(n)
}

// again reminds of an incident that fires for long.
func (e *Engine) again(i *Incident) {
	n := e.notice(i, notify.Firing, notify.ReasonDrift)
	n.Message = fmt.Sprintf("%s still %s, for %s; %s", i.Instance, describe(i), short(e.Now().Sub(i.FirstSeen)), next[i.Policy])
	n.Details = e.details(i)
	e.decide(n)
}

// details are what else people want to know, and the ways out.
func (e *Engine) details(i *Incident) map[string]string {
	out := map[string]string{
		"heal":   "plumb heal " + i.Instance.String(),
		"adopt":  "plumb adopt " + i.Instance.String() + " --request",
		"ignore": "plumb drift --write-ignore " + i.Instance.String() + " --owner WHO --reason WHY --until " + e.Now().UTC().Add(ignoreFor).Format(time.DateOnly) + " --request",
		"since":  i.FirstSeen.Format(time.DateTime),
	}
	if !i.LastGood.IsZero() {
		out["last good"] = i.LastGood.Format(time.DateTime)
	}
	if i.Told != "" {
		out["told"] = i.Told
	}
	if by := i.Who.String(); by != "" {
		out["who"] = by
	}
	return out
}

// ignoreFor is the time that a suggested rule ignores drift.
const ignoreFor = 30 * 24 * time.Hour

// short is a time as people say it: "15m", "26h".
func short(d time.Duration) string {
	text := d.Round(time.Second).String()
	text = strings.TrimSuffix(text, "m0s") + map[bool]string{true: "m"}[strings.HasSuffix(text, "m0s")]
	return strings.TrimSuffix(text, "h0m") + map[bool]string{true: "h"}[strings.HasSuffix(text, "h0m")]
}

// closed tells that an incident is resolved, to the same sinks.
func (e *Engine) closed(i *Incident) {
	reason := notify.ReasonDriftResolved
	if i.ResolvedBy == ByHeal {
		reason = notify.ReasonDriftHealed
	}
	n := e.notice(i, notify.Resolved, reason)
	n.EndsAt = i.ResolvedAt
	n.Message = ending(i.Instance.String(), "is", &i.Life)
	e.decide(n)
}

// ending says how an alert ended.
func ending(who, is string, a *Life) string {
	switch a.ResolvedBy {
	case NoLongerDeclared:
		return fmt.Sprintf("%s %s no longer declared", who, is)
	case ByIgnored:
		return fmt.Sprintf("%s %s ignored from now on, by a rule in the repository", who, is)
	}
	by := map[string]string{ByManual: "by hand", ByAdopted: "what is live was declared"}[a.ResolvedBy]
	return fmt.Sprintf("%s %s as declared again (%s, after %.1f s)", who, is, cmp.Or(by, "by "+a.ResolvedBy), a.ResolvedAt.Sub(a.FirstSeen).Seconds())
}

// contended tells that healing was given up.
func (e *Engine) contended(i *Incident, heals int) {
	i.Severity = notify.Critical
	n := e.notice(i, notify.Firing, notify.ReasonDriftContended)
	n.Message = fmt.Sprintf("%s was healed %d times within an hour and drifted again: somebody or something undoes it; healing stops", i.Instance, heals)
	e.decide(n)
	e.rememberIncident(i)
}

func (e *Engine) groupNotice(g *Group, status notify.Status, reason string) notify.Notice {
	g.sending(e.Now())
	return notify.Notice{
		ID: g.id(), Fingerprint: g.Fingerprint, Status: status, Reason: reason, Severity: g.Severity, Object: g.Object, Commit: g.Commit, StartsAt: g.FirstSeen,
		Details: map[string]string{"cause": g.Cause, "see": "plumb drift", "heal": "plumb heal", "since": g.FirstSeen.Format(time.DateTime)},
	}
}

// openGroup tells that a group fires, or still does.
func (e *Engine) openGroup(g *Group, breakdown string) {
	n := e.groupNotice(g, notify.Firing, notify.ReasonDrift)
	if breakdown == "" {
		n.Message = fmt.Sprintf("%d instances differ still (%s), for %s", e.members[g.Cause], g.Cause, short(e.Now().Sub(g.FirstSeen)))
	} else {
		n.Message = fmt.Sprintf("%d instances differ at once (%s): %s; more of the same cause is not told", g.Most, g.Cause, breakdown)
	}
	if g.Booted {
		n.Message += "; their host booted, and what it took along is made again where nobody said otherwise"
	}
	if g.Who != "" {
		n.Details["who"] = g.Who
	}
	n.Details["instances"] = strconv.Itoa(e.members[g.Cause])
	e.decide(n)
	e.remember(keyGroup+g.Cause, g)
}

func (e *Engine) closeGroup(g *Group) {
	reason := notify.ReasonDriftResolved
	if g.ResolvedBy == ByHeal {
		reason = notify.ReasonDriftHealed
	}
	n := e.groupNotice(g, notify.Resolved, reason)
	n.EndsAt = g.ResolvedAt
	n.Message = ending(fmt.Sprintf("all of %q", g.Cause), "are", &g.Life)
	e.decide(n)
}

// tooMuch tells that healing waits for a person, once until it is less again.
func (e *Engine) tooMuch(firing, all int) {
	e.decide(notify.Notice{
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

package drift

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"plumbline/reconcile/diff"
	"plumbline/reconcile/notify"
	"plumbline/schema"
)

// silence is a host of which some kinds, or things, cannot be seen. One that goes on is told once for the host, not for each of its
// instances: they are unknown, which is no drift.
type silence struct {
	kinds map[string]time.Time // since when each does not answer, or not of all that we own
	since time.Time
	told  bool
}

// staleAfter is how many sweeps may fail before it is told.
const staleAfter = 3

// answered notes whether a place answered, and tells a silence that lasts, and its end. The caller holds the lock.
func (e *Engine) answered(p place, look *diff.Look) {
	s := e.silent[p.host]
	why := blind(look)
	if why == "" {
		if s != nil && look.All {
			delete(s.kinds, p.kind)
			if len(s.kinds) == 0 {
				e.heard(p.host, s)
			}
		}
		return
	}
	if s == nil {
		s = &silence{kinds: map[string]time.Time{}, since: look.At}
		e.silent[p.host] = s
	}
	if s.kinds[p.kind].IsZero() {
		s.kinds[p.kind] = look.At
	}
	if !s.told && e.Interval > 0 && look.At.Sub(s.kinds[p.kind]) >= staleAfter*e.Interval {
		s.told = true
		n := e.stillness(p.host, s, notify.Firing)
		n.Message = fmt.Sprintf("%s cannot be observed since %s; %s", hostName(p.host), s.since.Format(time.DateTime), why)
		e.outbox = append(e.outbox, n)
	}
}

// blind tells what a look could not see, and why; "" when it saw all.
func blind(look *diff.Look) string {
	if look.Err != "" {
		return "what is there is unknown: " + look.Err
	}
	return look.Hidden()
}

func (e *Engine) heard(host string, s *silence) {
	delete(e.silent, host)
	if s.told {
		n := e.stillness(host, s, notify.Resolved)
		n.EndsAt = e.Now()
		n.Message = fmt.Sprintf("%s answers again, after %s", hostName(host), n.EndsAt.Sub(s.since).Truncate(time.Second))
		e.outbox = append(e.outbox, n)
	}
}

func (e *Engine) stillness(host string, s *silence, status notify.Status) notify.Notice {
	var kinds []string
	for kind := range s.kinds {
		kinds = append(kinds, kind)
	}
	slices.Sort(kinds)
	n := notify.Notice{
		ID: "silent/" + host + "/" + s.since.UTC().Format("20060102T150405.000"), Fingerprint: "silent/" + host, Status: status,
		Reason: notify.ReasonProbeStale, Severity: notify.Critical, StartsAt: s.since,
	}
	if host != "" {
		n.Object = schema.MakeID("host", host).On(host)
	}
	if len(kinds) > 0 {
		n.Details = map[string]string{"kinds": strings.Join(kinds, ", ")}
	}
	return n
}

func hostName(host string) string {
	if host == "" {
		return "the controller"
	}
	return "host " + host
}

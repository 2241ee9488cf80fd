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
	Kinds map[string]time.Time `json:"kinds"` // since when each does not answer, or not of all that we own
	Since time.Time            `json:"since"`
	Told  bool                 `json:"told"`
}

// staleAfter is how many sweeps may fail before it is told.
const staleAfter = 3

// answered notes whether a place answered, and tells a silence that lasts, and its end. The caller holds the lock.
func (e *Engine) answered(p place, look *diff.Look) {
	s := e.silent[p.host]
	why := blind(look)
	if why == "" {
		if s != nil && look.All {
			delete(s.Kinds, p.kind)
			if len(s.Kinds) == 0 {
				e.heard(p.host, s)
			}
		}
		return
	}
	if s == nil {
		s = &silence{Kinds: map[string]time.Time{}, Since: look.At}
		e.silent[p.host] = s
	}
	if s.Kinds[p.kind].IsZero() {
		s.Kinds[p.kind] = look.At
	}
	if !s.Told && e.Interval > 0 && look.At.Sub(s.Kinds[p.kind]) >= staleAfter*e.Interval {
		s.Told = true
		n := e.stillness(p.host, s, notify.Firing)
		n.Message = fmt.Sprintf("%s cannot be observed since %s; %s", hostName(p.host), s.Since.Format(time.DateTime), why)
		e.decide(n)
		e.remember(keySilent+p.host, s)
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
	if s.Told {
		n := e.stillness(host, s, notify.Resolved)
		n.EndsAt = e.Now()
		n.Message = fmt.Sprintf("%s answers again, after %s", hostName(host), n.EndsAt.Sub(s.Since).Truncate(time.Second))
		e.decide(n)
		e.remember(keySilent+host, nil)
	}
}

func (e *Engine) stillness(host string, s *silence, status notify.Status) notify.Notice {
	var kinds []string
	for kind := range s.Kinds {
		kinds = append(kinds, kind)
	}
	slices.Sort(kinds)
	n := notify.Notice{
		ID: fmt.Sprintf("silent/%s/%s/%s", host, s.Since.UTC().Format("20060102T150405.000"), status), Fingerprint: "silent/" + host, Status: status,
		Reason: notify.ReasonProbeStale, Severity: notify.Critical, StartsAt: s.Since,
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

package drift

import (
	"fmt"
	"slices"
	"time"

	"plumbline/schema"
)

// Ack notes that somebody sees to alerts: of an instance (OBJECT@HOST), of an object on all its hosts, or of a fingerprint. They
// are not told again and not healed by themselves until they are resolved, or until a time. It gives how many there are.
func (e *Engine) Ack(name string, ack Ack) (int, error) {
	e.mu.Lock()
	n := 0
	ack.At = e.Now()
	take := func(a *Life) {
		n++
		a.Ack, a.Phase = &ack, Acked
		if !ack.Until.IsZero() {
			a.Phase = Snoozed
		}
	}
	about := schema.ParseInstance(name)
	for _, i := range e.incidents {
		if i.Open() && (i.Fingerprint == name || i.Instance == about || about.Host == "" && i.Instance.ID == about.ID) {
			take(&i.Life)
			e.rememberIncident(i)
		}
	}
	for _, g := range e.groups {
		if g.Fingerprint == name || g.Cause == name {
			take(&g.Life)
			e.remember(keyGroup+g.Cause, g)
		}
	}
	e.mu.Unlock()
	e.tell()
	if n == 0 {
		return 0, fmt.Errorf("nothing that fires is called %q; \"plumb drift\" lists what does", name)
	}
	return n, nil
}

// remindEvery is how often reminders and snoozes are looked after.
const remindEvery = 10 * time.Second

// remind tells again what fires for long, and wakes what was snoozed. The caller holds the lock.
func (e *Engine) remind() {
	now := e.Now()
	if now.Sub(e.reminded) < remindEvery {
		return
	}
	e.reminded = now
	for _, i := range e.sorted() {
		e.hush(i)
		if i.Sent > 0 && i.Muted == "" && e.overdue(&i.Life, now) {
			e.again(i)
			e.rememberIncident(i)
		}
	}
	for _, g := range e.groups {
		if e.overdue(&g.Life, now) {
			e.openGroup(g, "")
		}
	}
}

// overdue tells whether an alert is to be told again: it fires for long, or its snooze is over.
func (e *Engine) overdue(a *Life, now time.Time) bool {
	if a.Phase == Snoozed && now.After(a.Ack.Until) {
		a.Phase, a.Ack = Firing, nil
		return true
	}
	return e.Remind > 0 && a.Phase == Firing && now.Sub(a.SentAt) >= e.Remind
}

// sorted lists the incidents by instance.
func (e *Engine) sorted() []*Incident {
	out := make([]*Incident, 0, len(e.incidents))
	for _, i := range e.incidents {
		out = append(out, i)
	}
	slices.SortFunc(out, func(a, b *Incident) int { return a.Instance.Compare(b.Instance) })
	return out
}

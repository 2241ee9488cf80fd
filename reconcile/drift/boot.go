package drift

import (
	"slices"
	"time"

	"plumbline/reconcile/diff"
	"plumbline/reconcile/inventory"
)

// boot is what is known of a host's boots. What lives in a kernel's memory goes with it, and nobody decided that: what is missing when
// each kind is first looked at after a boot is made again, unless somebody said that its drift is not to be healed.
type boot struct {
	ID   string    `json:"id"`
	At   time.Time `json:"at"`             // when it was noticed
	Left []string  `json:"left,omitempty"` // kinds that were not looked at since
}

// bootOf is the boot that a host answered with last; "" when that is not known.
func (e *Engine) bootOf(host string) string {
	if e.Boot == nil {
		return ""
	}
	return e.Boot(host)
}

// booted notes the boot that a host answers with, before and since a visit began. A boot after one that is known leaves its kinds to be
// looked at; what this visit saw may be from before it, unless nothing was connected then. The caller holds the lock.
func (e *Engine) booted(s *snapshot, host, before string, begun time.Time) {
	known, id := e.boots[host], e.bootOf(host)
	if id == "" || known != nil && known.ID == id {
		return
	}
	at := begun
	if before != "" && before != id {
		at = e.Now()
	}
	now := &boot{ID: id, At: at}
	for p := range s.places {
		if known != nil && p.host == host {
			now.Left = append(now.Left, p.kind)
		}
	}
	slices.Sort(now.Left)
	e.boots[host] = now
	e.remember(keyBoot+host, now)
}

// firstSince tells whether a whole look is the first one of its kind since the host booted, and when that was. The caller holds the lock.
func (e *Engine) firstSince(p place, look *diff.Look) (time.Time, bool) {
	b := e.boots[p.host]
	if b == nil || look.At.Before(b.At) || b.ID != e.bootOf(p.host) {
		return time.Time{}, false
	}
	n := slices.Index(b.Left, p.kind)
	if n < 0 {
		return time.Time{}, false
	}
	b.Left = slices.Delete(slices.Clone(b.Left), n, n+1)
	e.remember(keyBoot+p.host, b)
	return b.At, true
}

// took marks what a boot took along, but what differed before that. The caller holds the lock.
func (e *Engine) took(entry *inventory.Entry, since time.Time) {
	i := e.incidents[entry.Instance]
	if i == nil || i.Class != diff.Gone && i.FirstSeen.Before(since) {
		return
	}
	i.Booted = true
	i.Policy = e.policy(i, entry)
	if i.Open() {
		e.rememberIncident(i)
		signal(e.fired)
	}
}

package drift

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"plumbline/actuators"
	"plumbline/reconcile/diff"
	"plumbline/reconcile/inventory"
)

// places lists the hosts and kinds that anything was applied to.
func (e *Engine) places() []place {
	s, err := e.owned.get()
	if err != nil {
		e.Log.Error().Err(err).Msg("cannot read the inventory")
		return nil
	}
	return slices.SortedFunc(maps.Keys(s.places), func(a, b place) int {
		return cmp.Or(cmp.Compare(a.host, b.host), cmp.Compare(a.kind, b.kind))
	})
}

// hosts lists the hosts that anything was applied to, as places of all kinds.
func (e *Engine) hosts() []place {
	var out []place
	for _, p := range e.places() {
		if n := len(out); n == 0 || out[n-1].host != p.host {
			out = append(out, place{host: p.host})
		}
	}
	return out
}

func (e *Engine) visitAll() {
	for _, host := range e.hosts() {
		e.visits.ask(host, nil)
	}
}

// settle looks again at what is only suspected or seems to be over, reminds, and closes what is not ours any more.
func (e *Engine) settle() {
	for _, p := range e.suspected(e.Now().Add(-e.confirmAfter())) {
		e.visits.ask(p, nil)
	}
	e.mu.Lock()
	open := len(e.incidents)
	due := e.holding(e.Now())
	e.remind()
	e.mu.Unlock()
	for _, p := range due {
		e.visits.ask(p, nil)
	}
	if open == 0 {
		return
	}
	if s, err := e.owned.get(); err == nil {
		e.mu.Lock()
		e.closeStrays(s)
		e.mu.Unlock()
		e.tell()
	}
}

// suspected lists the places of suspicions, and of doubts about what fires, that are as old as this.
func (e *Engine) suspected(since time.Time) []place {
	e.mu.Lock()
	defer e.mu.Unlock()
	due := map[place]bool{}
	for i, incident := range e.incidents {
		if incident.Phase == Suspected && !incident.FirstSeen.After(since) || !incident.doubted.IsZero() && !incident.doubted.After(since) {
			due[placeOf(i)] = true
		}
	}
	return slices.Collect(maps.Keys(due))
}

// visit looks at one place, or at all kinds of a host, and judges what it saw. The inventory is asked again after the look:
// what was applied meanwhile makes the look stale and never a drift.
func (e *Engine) visit(ctx context.Context, p place, told hints) {
	owned, err := e.owned.get()
	if err != nil {
		return
	}
	begun, before := e.Now(), e.bootOf(p.host)
	looks := e.see(ctx, owned, p, told)
	after, err := e.owned.get()
	if err != nil || ctx.Err() != nil {
		return
	}
	e.mu.Lock()
	e.booted(after, p.host, before, begun)
	e.mu.Unlock()
	for _, look := range looks {
		e.judge(after, place{p.host, look.Kind}, look, told)
	}
	e.attribute(ctx, after, p.host)
	e.tell()
}

func (e *Engine) see(ctx context.Context, s *snapshot, p place, told hints) []*diff.Look {
	if p.kind == "" {
		scopes := map[string]actuators.Scope{}
		for at := range s.places {
			if at.host == p.host {
				scopes[at.kind] = s.scope(at)
			}
		}
		return e.View.Sweep(ctx, p.host, scopes)
	}
	if len(s.places[p]) == 0 {
		return nil
	}
	scope, ok := s.part(p, told)
	if !ok {
		scope = s.scope(p)
	}
	return []*diff.Look{e.View.Look(ctx, p.host, p.kind, scope)}
}

// closeStrays resolves the incidents of what is not applied any more. The caller holds the lock.
func (e *Engine) closeStrays(s *snapshot) {
	for i, incident := range e.incidents {
		if s.inventory[i] == nil && e.masked[i] == 0 {
			e.resolve(incident, NoLongerDeclared)
		}
	}
}

// stale tells whether a look says nothing about an instance: we are changing it, or changed it after the look began, or a
// newer look was at it, or an undo failed there and a person is at it.
func (e *Engine) stale(entry *inventory.Entry, at time.Time) bool {
	i := entry.Instance
	return e.masked[i] > 0 || at.Before(e.fresh[i]) || at.Before(e.seen[i]) || at.Before(entry.AppliedAt) || entry.Stuck != ""
}

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

func (e *Engine) visitAll() {
	for _, p := range e.places() {
		e.visits.ask(p, nil)
	}
}

// settle looks again at what is only suspected, and closes what is not ours any more.
func (e *Engine) settle() {
	for _, p := range e.suspected(e.Now().Add(-e.confirmAfter())) {
		e.visits.ask(p, nil)
	}
	e.mu.Lock()
	open := len(e.incidents)
	e.mu.Unlock()
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

// suspected lists the places of suspicions that are as old as this.
func (e *Engine) suspected(since time.Time) []place {
	e.mu.Lock()
	defer e.mu.Unlock()
	due := map[place]bool{}
	for i, incident := range e.incidents {
		if incident.Phase == Suspected && !incident.FirstSeen.After(since) {
			due[placeOf(i)] = true
		}
	}
	return slices.Collect(maps.Keys(due))
}

// visit looks at one place and judges what it saw. The inventory is asked again after the look: what was applied meanwhile
// makes the look stale and never a drift.
func (e *Engine) visit(ctx context.Context, p place, told hints) {
	before, err := e.owned.get()
	if err != nil || len(before.places[p]) == 0 {
		return
	}
	targets := make([]actuators.Target, 0, len(before.places[p]))
	for _, entry := range before.places[p] {
		targets = append(targets, entry.Target())
	}
	slices.SortFunc(targets, func(a, b actuators.Target) int { return cmp.Compare(a.ID, b.ID) })
	look := e.Look(ctx, p.host, p.kind, actuators.Scope{All: true, Targets: targets})
	after, err := e.owned.get()
	if err != nil || ctx.Err() != nil {
		return
	}
	e.judge(after, p, look, told)
	e.tell()
}

// judge holds a look against what was last applied.
func (e *Engine) judge(s *snapshot, p place, look *diff.Look, told hints) {
	kind, ok := e.Kinds.Kind(p.kind)
	if !ok {
		return
	}
	world := diff.NewWorld(look)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.answered(p, look)
	for _, entry := range s.places[p] {
		if !e.stale(entry, look.At) {
			e.step(entry, diff.Drift(kind, entry, world, e.Installation), look.At, told)
		}
	}
	e.closeStrays(s)
}

// closeStrays resolves the incidents of what is not applied any more. The caller holds the lock.
func (e *Engine) closeStrays(s *snapshot) {
	for i, incident := range e.incidents {
		if s.inventory[i] == nil && e.masked[i] == 0 {
			e.resolve(incident, noLongerDeclared)
		}
	}
}

// stale tells whether a look says nothing about an instance: we are changing it, or changed it after the look began, or an
// undo failed there and a person is at it.
func (e *Engine) stale(entry *inventory.Entry, at time.Time) bool {
	i := entry.Instance
	return e.masked[i] > 0 || at.Before(e.fresh[i]) || at.Before(entry.AppliedAt) || entry.Stuck != ""
}

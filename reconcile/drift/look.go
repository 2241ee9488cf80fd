package drift

import (
	"context"
	"sync"
	"time"

	"plumbline/actuators"
	"plumbline/reconcile/diff"
	"plumbline/reconcile/inventory"
	"plumbline/schema"
)

// sweep looks at every host and kind that anything was applied to, hosts in parallel.
func (e *Engine) sweep(ctx context.Context) {
	inv, err := e.Inventory()
	if err != nil {
		e.Log.Error().Err(err).Msg("cannot read the inventory")
		return
	}
	var hosts sync.WaitGroup
	byHost := map[string][]place{}
	for p := range places(inv) {
		byHost[p.host] = append(byHost[p.host], p)
	}
	for _, list := range byHost {
		hosts.Go(func() {
			for _, p := range list {
				e.judge(inv, p, e.look(ctx, inv, p), false)
			}
		})
	}
	hosts.Wait()
}

// places lists the hosts and kinds that the inventory holds, with their targets.
func places(inv inventory.Inventory) map[place][]actuators.Target {
	out := map[place][]actuators.Target{}
	for i, entry := range inv {
		if entry.Retired == nil {
			p := place{i.Host, i.ID.Kind()}
			out[p] = append(out[p], entry.Target())
		}
	}
	return out
}

// visit drains what is queued for one place and looks at it once.
func (e *Engine) visit(ctx context.Context, p place, told bool) {
	due := map[place]bool{p: true}
	for more := true; more; {
		select {
		case next := <-e.wake:
			due[next] = true
		default:
			more = false
		}
	}
	inv, err := e.Inventory()
	if err != nil {
		e.Log.Error().Err(err).Msg("cannot read the inventory")
		return
	}
	for next := range due {
		e.judge(inv, next, e.look(ctx, inv, next), told)
	}
}

// confirm looks again at what is only suspected.
func (e *Engine) confirm(ctx context.Context) {
	due := map[place]bool{}
	e.mu.Lock()
	for i, incident := range e.incidents {
		if incident.Phase == Suspected {
			due[place{i.Host, i.ID.Kind()}] = true
		}
	}
	e.mu.Unlock()
	if len(due) == 0 {
		return
	}
	inv, err := e.Inventory()
	if err != nil {
		return
	}
	for p := range due {
		e.judge(inv, p, e.look(ctx, inv, p), false)
	}
}

func (e *Engine) look(ctx context.Context, inv inventory.Inventory, p place) *diff.Look {
	targets := places(inv)[p]
	if len(targets) == 0 {
		return &diff.Look{Host: p.host, Kind: p.kind, Err: "nothing of it was applied here", At: e.Now()}
	}
	return e.Options.Look(ctx, p.host, p.kind, actuators.Scope{All: true, Targets: targets})
}

// judge holds a look against what was last applied. told: an event source said that something changed, which makes one
// differing look enough.
func (e *Engine) judge(inv inventory.Inventory, p place, look *diff.Look, told bool) {
	kind, ok := e.Kinds.Kind(p.kind)
	if !ok {
		return
	}
	world := diff.NewWorld(look)
	e.mu.Lock()
	defer e.mu.Unlock()
	if look.Err == "" {
		e.looks[p.kind+"@"+p.host] = look.At
	}
	for i, entry := range inv {
		if i.Host != p.host || i.ID.Kind() != p.kind || entry.Retired != nil || e.stale(i, entry, look.At) {
			continue
		}
		e.step(entry, diff.Drift(kind, entry, world, e.Installation), told)
	}
	for i, incident := range e.incidents {
		if inv[i] == nil && i.Host == p.host && i.ID.Kind() == p.kind {
			e.resolve(incident, "no longer declared")
		}
	}
}

// stale tells whether a look says nothing about an instance: we are changing it, or changed it after the look began.
func (e *Engine) stale(i schema.Instance, entry *inventory.Entry, at time.Time) bool {
	return e.masked[i] > 0 || at.Before(e.fresh[i]) || at.Before(entry.AppliedAt) || entry.Stuck != ""
}

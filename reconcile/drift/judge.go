package drift

import (
	"bytes"
	"sync"
	"time"

	"plumbline/actuators"
	"plumbline/reconcile/diff"
	"plumbline/reconcile/inventory"
	"plumbline/schema"
)

// verdict is what the newest look at a place came to. What it saw and what was applied decide a finding, and nothing else:
// where both are as they were, it is not made again.
type verdict struct {
	at       time.Time
	rev      uint64
	world    *diff.World
	entries  []*inventory.Entry         // sorted
	findings map[schema.ID]diff.Finding // but clean ones
}

// Verdicts keeps what the looks at each place came to, for all engines of one installation, at once or one after the other. It
// is safe for use by many: a verdict is never changed.
type Verdicts struct {
	mu sync.Mutex
	by map[place]*verdict
}

// NewVerdicts knows nothing yet.
func NewVerdicts() *Verdicts { return &Verdicts{by: map[place]*verdict{}} }

func (k *Verdicts) of(p place) *verdict {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.by[p]
}

func (k *Verdicts) keep(p place, v *verdict) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.by[p] = v
}

// judge holds a look against what was last applied. Comparing is done without the lock.
func (e *Engine) judge(s *snapshot, p place, look *diff.Look, told hints) {
	kind, ok := e.Kinds.Kind(p.kind)
	if !ok {
		return
	}
	if !look.All || look.Err != "" {
		e.judgePart(s, p, kind, look, told)
		return
	}
	v := e.compare(e.Verdicts.of(p), s.places[p], kind, look)
	e.Verdicts.keep(p, v)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.answered(p, look)
	if now := e.newest[p]; now != nil && look.At.Before(now.at) {
		return // a newer look was judged meanwhile
	}
	since, first := e.firstSince(p, look)
	for _, entry := range e.suspects(v, p) {
		if !e.stale(entry, look.At) {
			f, odd := v.findings[entry.Instance.ID]
			if !odd {
				f.Class = diff.Clean
			}
			e.step(entry, f, look.At, told)
			if first {
				e.took(entry, since)
			}
		}
	}
	e.newest[p] = v
	e.closeStrays(s)
}

// compare makes the verdict of a whole look.
func (e *Engine) compare(old *verdict, entries []*inventory.Entry, kind *actuators.Kind, look *diff.Look) *verdict {
	v := &verdict{at: look.At, rev: look.Rev, entries: entries, findings: map[schema.ID]diff.Finding{}}
	known := old != nil && old.rev != 0 && old.rev == look.Rev && len(old.entries) > 0 // without entries its world may not be indexed
	if v.world = diff.NewWorld(look); known {
		v.world = old.world
	}
	n := 0
	for _, entry := range entries {
		id := entry.Instance.ID
		if old != nil {
			for n < len(old.entries) && old.entries[n].Instance.ID < id {
				n++
			}
			if n < len(old.entries) && old.entries[n].Instance.ID == id && bytes.Equal(old.entries[n].Spec, entry.Spec) && (known || v.world.Same(old.world, id)) {
				if f, odd := old.findings[id]; odd {
					v.findings[id] = f
				}
				continue
			}
		}
		if f := diff.Drift(kind, entry, v.world, e.Installation); f.Class != diff.Clean {
			v.findings[id] = f
		}
	}
	return v
}

// suspects lists the entries whose incident may move on: where something is found, or was. The caller holds the lock.
func (e *Engine) suspects(v *verdict, p place) []*inventory.Entry {
	open := map[schema.ID]bool{}
	for id := range v.findings {
		open[id] = true
	}
	for i := range e.incidents {
		if placeOf(i) == p {
			open[i.ID] = true
		}
	}
	var out []*inventory.Entry
	if len(open) > 0 {
		for _, entry := range v.entries {
			if open[entry.Instance.ID] {
				out = append(out, entry)
			}
		}
	}
	return out
}

// judgePart judges a look at some instances, or one that failed.
func (e *Engine) judgePart(s *snapshot, p place, kind *actuators.Kind, look *diff.Look, told hints) {
	findings := map[*inventory.Entry]diff.Finding{}
	if look.Err == "" {
		world := diff.NewWorld(look)
		for id := range told {
			if entry := s.inventory[id.On(p.host)]; entry != nil {
				findings[entry] = diff.Drift(kind, entry, world, e.Installation)
			}
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.answered(p, look)
	for entry, f := range findings {
		if !e.stale(entry, look.At) {
			e.seen[entry.Instance] = look.At
			e.step(entry, f, look.At, told)
		}
	}
	e.closeStrays(s)
}

// lastGood is when an instance was last seen as applied; zero when that was never. The caller holds the lock.
func (e *Engine) lastGood(i schema.Instance) time.Time {
	good := e.good[i]
	if v := e.newest[placeOf(i)]; v != nil && v.at.After(good) {
		if _, odd := v.findings[i.ID]; !odd {
			return v.at
		}
	}
	return good
}

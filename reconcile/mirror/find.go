package mirror

import (
	"context"
	"slices"
	"time"

	"plumbline/actuators"
	"plumbline/reconcile/diff"
	"plumbline/schema"
)

// stampPatience is how long an answer waits for stamps. A host that takes longer is asked by looks, or a watch vouches.
const stampPatience = 250 * time.Millisecond

// stamps asks for the stamps of the kinds that have one; nothing known is no error.
func (m *Mirror) stamps(ctx context.Context, host string, scopes map[string]actuators.Scope) map[string]string {
	stamped := map[string]actuators.Scope{}
	for name, scope := range scopes {
		if kind, ok := m.Kinds.Kind(name); ok && kind.Stamp != nil {
			stamped[name] = scope
		}
	}
	if len(stamped) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, stampPatience)
	defer cancel()
	answers, err := m.Stamps(ctx, host, stamped)
	if err != nil {
		return nil
	}
	return answers
}

// know answers from what is kept, or gives nil.
func (m *Mirror) know(e *entry, ask question) *diff.Look {
	e.mu.Lock()
	at, ok := e.vouched(ask, m.Now(), m.Resync)
	if !ok || ask.stamp == "" && !e.due.none() || len(e.missing(ask.scope.Targets)) > 0 {
		e.mu.Unlock()
		return nil
	}
	look := *e.look
	e.mu.Unlock()
	look.At = at
	if m.Note != nil {
		m.Note(&look)
	}
	return &look
}

// find looks at as much as must be, unless somebody else did while it waited for its turn.
func (m *Mirror) find(ctx context.Context, e *entry, ask question) *diff.Look {
	e.turn.Lock()
	defer e.turn.Unlock()
	if look := m.know(e, ask); look != nil {
		return look
	}
	e.mu.Lock()
	_, ok := e.vouched(ask, m.Now(), m.Resync)
	rest := e.missing(ask.scope.Targets)
	if ok && ask.stamp == "" {
		rest = append(rest, e.dues()...)
	}
	e.mu.Unlock()
	if !ok || len(rest) > duesMost {
		return m.whole(ctx, e, ask)
	}
	if look := m.part(ctx, e, rest); look.Err != "" {
		return look
	}
	if look := m.know(e, ask); look != nil {
		return look
	}
	return m.whole(ctx, e, ask) // it changes faster than it is looked at in parts
}

// whole looks at everything of the place. The caller has the turn.
func (m *Mirror) whole(ctx context.Context, e *entry, ask question) *diff.Look {
	read := m.Now()
	taken := e.begin(nil, true)
	look := m.ask(ctx, e, ask.scope)
	e.mu.Lock()
	defer e.mu.Unlock()
	if look.Err != "" {
		e.due.merge(taken)
		e.look, e.stamp = nil, ""
		return look
	}
	m.keep(e, look, ask.scope.Targets)
	if e.read, e.stamp = read, ask.stamp; !e.due.none() {
		e.stamp = ""
	}
	kept := *e.look
	return &kept
}

// ask looks, with few others at the same host.
func (m *Mirror) ask(ctx context.Context, e *entry, scope actuators.Scope) *diff.Look {
	m.mu.Lock()
	slots := m.asking[e.host]
	if slots == nil {
		slots = make(chan struct{}, looksAtOneHost)
		m.asking[e.host] = slots
	}
	m.mu.Unlock()
	slots <- struct{}{}
	defer func() { <-slots }()
	return m.Options.Look(ctx, e.host, e.kind, scope)
}

// part looks at some targets, and puts what it saw into what is kept. The caller has the turn.
func (m *Mirror) part(ctx context.Context, e *entry, targets []actuators.Target) *diff.Look {
	targets = unique(targets)
	taken := e.begin(targets, false)
	look := m.ask(ctx, e, actuators.Scope{Targets: targets})
	e.mu.Lock()
	defer e.mu.Unlock()
	if look.Err != "" {
		e.due.merge(taken)
		return look
	}
	if e.look == nil {
		e.due.merge(taken)
		return look
	}
	folded := *e.look
	folded.Found = fold(folded.Found, look.Found, targets)
	if m.keep(e, &folded, merge(e.targets, targets)) {
		e.stamp = "" // it told of something else
	}
	return look
}

// keep puts a look in the place of the one that is kept, and tells whether it found anything else. One that found the same
// keeps number and memory of the old one. What could not be seen stays due: nothing vouches for that. The caller holds the lock.
func (m *Mirror) keep(e *entry, look *diff.Look, targets []actuators.Target) (changed bool) {
	kept := *look
	if e.look != nil && slices.EqualFunc(e.look.Found, kept.Found, func(a, b actuators.Observed) bool { return a.Same(&b) }) {
		kept.Found, kept.Rev = e.look.Found, e.look.Rev
	} else {
		kept.Rev, changed = m.revision.Add(1), true
	}
	e.look, e.targets = &kept, targets
	for n := range kept.Found {
		if kept.Found[n].Unknown != "" {
			e.due.add(kept.Found[n].ID)
		}
	}
	return changed
}

// fold replaces what was found of the targets.
func fold(old, found []actuators.Observed, targets []actuators.Target) []actuators.Observed {
	gone := map[schema.ID]bool{}
	for _, t := range targets {
		gone[t.ID] = true
	}
	out := make([]actuators.Observed, 0, len(old)+len(found))
	at := map[schema.ID]int{} // where the first of each stood, so that what did not change stays in its place
	for _, one := range old {
		if !gone[one.ID] {
			out = append(out, one)
			continue
		}
		if _, seen := at[one.ID]; seen {
			continue
		}
		at[one.ID] = len(out)
		for _, fresh := range found {
			if fresh.ID == one.ID {
				out = append(out, fresh)
			}
		}
	}
	for _, fresh := range found {
		if _, seen := at[fresh.ID]; !seen && gone[fresh.ID] {
			out = append(out, fresh)
		}
	}
	return out
}

// merge puts targets into a sorted list, in place of those of the same ID.
func merge(list, targets []actuators.Target) []actuators.Target {
	out := slices.Clone(list)
	for _, t := range targets {
		if len(t.Spec) == 0 {
			continue // hinted at, and not asked for
		}
		n, found := slices.BinarySearchFunc(out, t.ID, byID)
		if found {
			out[n] = t
		} else {
			out = slices.Insert(out, n, t)
		}
	}
	return out
}

// unique drops a second target of one ID: the first is the one that is asked for.
func unique(targets []actuators.Target) []actuators.Target {
	seen := map[schema.ID]bool{}
	return slices.DeleteFunc(targets, func(t actuators.Target) bool {
		twice := seen[t.ID]
		seen[t.ID] = true
		return twice
	})
}

// Package mirror keeps, for a controller that stays, what was seen last of every host and kind, and answers from it as long
// as something vouches that it is still true:
//
//	a stamp    the host says that nothing changed since the look (asked for all kinds of a host in one question); exact
//	a watch    it stood before the look began and has not broken since, what it hinted at was looked at since, and the
//	           look is younger than Resync
//	neither    it is looked at anew, whoever asks
//
// What a kind's watch cannot hear is seen after Resync at the latest, or at once where the kind has a stamp. A mirror decides
// nothing: what changes a host captures and compares on the host itself, right before.
//
// It imports schema, actuators and diff; only package reconcile imports it.
package mirror

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"plumbline/actuators"
	"plumbline/reconcile/diff"
	"plumbline/schema"
)

// Options wire a Mirror. Note may be nil.
type Options struct {
	Kinds *actuators.Registry
	// Look asks a host; never nil. Its answer is the mirror's from then on.
	Look func(ctx context.Context, host, kind string, scope actuators.Scope) *diff.Look
	// Stamps asks a host for stamps of several kinds.
	Stamps func(ctx context.Context, host string, scopes map[string]actuators.Scope) (map[string]string, error)
	Note   func(*diff.Look) // hears of every answer that was found to be true again without a look
	Resync time.Duration    // how long a look counts that only a watch vouches for; 0: not at all
	Now    func() time.Time
}

// Mirror is safe for use by many.
type Mirror struct {
	Options
	revision atomic.Uint64

	mu     sync.Mutex
	places map[place]*entry
	took   map[string]time.Duration // how long each host took to answer last
	asking map[string]chan struct{} // looks under way at each host
}

type place struct{ host, kind string }

// New makes an empty mirror.
func New(o Options) *Mirror {
	return &Mirror{Options: o, places: map[place]*entry{}, took: map[string]time.Duration{}, asking: map[string]chan struct{}{}}
}

// resyncStamped is after how many times of Resync a place is looked at anew though its stamp never changed.
const resyncStamped = 20

// Hosts is what to look at: scopes by host and kind.
type Hosts map[string]map[string]actuators.Scope

// World answers for every scope, hosts in parallel. Nothing of it is older than what the package's comment allows.
func (m *Mirror) World(ctx context.Context, hosts Hosts) *diff.World {
	world := diff.NewWorld()
	var mu sync.Mutex // of world
	all := newBound(hostsAtOnce, patience)
	for _, host := range m.quickFirst(hosts) {
		all.run(func() {
			begun := m.Now()
			looks := m.Check(ctx, host, hosts[host])
			m.answered(host, m.Now().Sub(begun))
			mu.Lock()
			defer mu.Unlock()
			for _, look := range looks {
				world.Add(look)
			}
		})
	}
	all.wait()
	return world
}

// quickFirst orders hosts by how long they took to answer last, so that those that are known to be slow or dead are asked when
// the others are done.
func (m *Mirror) quickFirst(hosts Hosts) []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.SortedFunc(maps.Keys(hosts), func(a, b string) int {
		return cmp.Or(cmp.Compare(m.took[a].Truncate(patience), m.took[b].Truncate(patience)), strings.Compare(a, b))
	})
}

func (m *Mirror) answered(host string, took time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.took[host] = took
}

// Check answers for kinds of one host, in order of their names. What a stamp or a watch vouches for is not looked at.
func (m *Mirror) Check(ctx context.Context, host string, scopes map[string]actuators.Scope) []*diff.Look {
	return m.answer(ctx, host, scopes, m.Resync)
}

// Sweep is Check that trusts no watch: what only a watch vouches for is looked at anew.
func (m *Mirror) Sweep(ctx context.Context, host string, scopes map[string]actuators.Scope) []*diff.Look {
	return m.answer(ctx, host, scopes, 0)
}

func (m *Mirror) answer(ctx context.Context, host string, scopes map[string]actuators.Scope, trust time.Duration) []*diff.Look {
	asked := m.Now()
	scopes = m.widened(host, scopes)
	stamps := m.stamps(ctx, host, scopes)
	var mu sync.Mutex
	var looks []*diff.Look
	var kinds errgroup.Group
	kinds.SetLimit(looksAtOneHost)
	for kind, scope := range scopes {
		e := m.entry(host, kind)
		ask := question{scope: scope, stamp: stamps[kind], at: asked, trust: trust}
		look := m.know(e, ask)
		if look != nil {
			mu.Lock()
			looks = append(looks, look)
			mu.Unlock()
			continue
		}
		kinds.Go(func() error {
			look := m.find(ctx, e, ask)
			mu.Lock()
			defer mu.Unlock()
			looks = append(looks, look)
			return nil
		})
	}
	_ = kinds.Wait() // a look that fails says so itself
	slices.SortFunc(looks, func(a, b *diff.Look) int { return strings.Compare(a.Kind, b.Kind) })
	return looks
}

// widened asks for the targets of the look that is kept where they hold all that is asked for: a stamp is of its scope.
func (m *Mirror) widened(host string, scopes map[string]actuators.Scope) map[string]actuators.Scope {
	out := make(map[string]actuators.Scope, len(scopes))
	for kind, scope := range scopes {
		e := m.entry(host, kind)
		e.mu.Lock()
		if e.look != nil && len(e.missing(scope.Targets)) == 0 {
			scope.Targets = e.targets
		}
		e.mu.Unlock()
		out[kind] = scope
	}
	return out
}

// Look looks at a place now and keeps what it saw. Of a part nothing is kept, so that who follows an event waits for nobody:
// what was hinted at stays due.
func (m *Mirror) Look(ctx context.Context, host, kind string, scope actuators.Scope) *diff.Look {
	e := m.entry(host, kind)
	if !scope.All {
		return m.ask(ctx, e, scope)
	}
	e.turn.Lock()
	defer e.turn.Unlock()
	ask := question{scope: scope, at: m.Now()}
	ask.stamp = m.stamps(ctx, host, map[string]actuators.Scope{kind: scope})[kind]
	return m.whole(ctx, e, ask)
}

// Heard takes in what a watch said.
func (m *Mirror) Heard(host, kind string, event actuators.Event) {
	if event.ID != "" && event.ID.Kind() != kind {
		return // the source knows other kinds, too
	}
	e := m.entry(host, kind)
	e.mu.Lock()
	defer e.mu.Unlock()
	if event.Standing {
		e.standing = true
		e.due = due{all: true} // what happened before was not heard
		return
	}
	e.due.add(event.ID)
}

// Deaf says that a watch has ended: until it stands again, it vouches for nothing.
func (m *Mirror) Deaf(host, kind string) {
	e := m.entry(host, kind)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.standing = false
}

// Touch says that we changed instances: they are looked at before anything vouches for them again.
func (m *Mirror) Touch(instances ...schema.Instance) {
	for _, i := range instances {
		e := m.entry(i.Host, i.ID.Kind())
		e.mu.Lock()
		e.due.add(i.ID)
		e.stamp = ""
		e.mu.Unlock()
	}
}

func (m *Mirror) entry(host, kind string) *entry {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := place{host, kind}
	if m.places[p] == nil {
		m.places[p] = &entry{place: p}
	}
	return m.places[p]
}

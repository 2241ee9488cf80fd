package reconcile

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sync/errgroup"

	"plumbline/actuators"
	"plumbline/reconcile/diff"
	"plumbline/reconcile/inventory"
	"plumbline/schema"
)

// lookTimeout bounds one look at one kind on one host; what does not answer by then is unknown.
const lookTimeout = 30 * time.Second

// Looks at once: over all hosts, and at one host.
const (
	looksAtOnce    = 32
	looksAtOneHost = 4
)

type lookKey struct{ host, kind string }

// targets gathers what to look at: every declared instance and every one that the inventory lists, by host and kind.
func targets(want *schema.Graph, inv inventory.Inventory) map[lookKey][]actuators.Target {
	out := map[lookKey][]actuators.Target{}
	for _, n := range want.Nodes {
		key := lookKey{n.Host, n.ID.Kind()}
		out[key] = append(out[key], actuators.Target{ID: n.ID, Spec: n.Spec})
	}
	for i, entry := range inv {
		if want.Node(i) == nil {
			key := lookKey{i.Host, i.ID.Kind()}
			out[key] = append(out[key], entry.Target())
		}
	}
	for _, list := range out {
		slices.SortFunc(list, func(a, b actuators.Target) int { return strings.Compare(string(a.ID), string(b.ID)) })
	}
	return out
}

// Observe looks at everything that is declared or owned, hosts and kinds in parallel under a bound. A look that fails is
// in the world as such: its instances are unknown.
func (c *Controller) Observe(ctx context.Context, want *schema.Graph, inv inventory.Inventory) *diff.World {
	world := diff.NewWorld()
	var mu sync.Mutex
	var all errgroup.Group
	all.SetLimit(looksAtOnce)
	for host, keys := range byHost(targets(want, inv)) {
		all.Go(func() error {
			var one errgroup.Group
			one.SetLimit(looksAtOneHost)
			for kind, list := range keys {
				one.Go(func() error {
					look := c.look(ctx, host, kind, actuators.Scope{All: true, Targets: list})
					mu.Lock()
					defer mu.Unlock()
					world.Add(look)
					return nil
				})
			}
			return one.Wait()
		})
	}
	all.Wait()
	return world
}

func byHost(all map[lookKey][]actuators.Target) map[string]map[string][]actuators.Target {
	out := map[string]map[string][]actuators.Target{}
	for key, list := range all {
		if out[key.host] == nil {
			out[key.host] = map[string][]actuators.Target{}
		}
		out[key.host][key.kind] = list
	}
	return out
}

// look asks one host about one kind.
func (c *Controller) look(ctx context.Context, host, kind string, scope actuators.Scope) *diff.Look {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	key := lookKey{host, kind}
	look := &diff.Look{Host: host, Kind: kind, All: scope.All, At: c.now()}
	var err error
	look.Found, err = c.observe(ctx, key, scope)
	c.looks.note(key, look.At, err)
	if err != nil {
		look.Err = err.Error()
	}
	if c.blindness.change(lookKey{host, kind}, look.Err) {
		logLook(c.log, look)
	}
	return look
}

// logLook says when a look begins to fail, fails in another way, or succeeds again.
func logLook(log zerolog.Logger, look *diff.Look) {
	if look.Err == "" {
		log.Info().Str("host", look.Host).Str("kind", look.Kind).Msg("can observe again")
		return
	}
	log.Warn().Str("host", look.Host).Str("kind", look.Kind).Str("err", look.Err).Msg("cannot observe")
}

// blindness remembers which looks fail and how, so that each is told once.
type blindness struct {
	mu     sync.Mutex
	failed map[lookKey]string
}

// change notes the outcome of a look and tells whether it is news; a first success is none.
func (b *blindness) change(key lookKey, err string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failed[key] == err {
		return false
	}
	if b.failed == nil {
		b.failed = map[lookKey]string{}
	}
	b.failed[key] = err
	return true
}

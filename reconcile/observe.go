package reconcile

import (
	"cmp"
	"context"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"plumbline/actuators"
	"plumbline/reconcile/diff"
	"plumbline/reconcile/inventory"
	"plumbline/reconcile/mirror"
	"plumbline/schema"
)

// lookTimeout bounds one look at one kind on one host; what does not answer by then is unknown.
const lookTimeout = 30 * time.Second

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

// Observe answers for everything that is declared or owned, from the mirror where something vouches for it and by looks where
// nothing does. A look that fails is in the world as such: its instances are unknown.
func (c *Controller) Observe(ctx context.Context, want *schema.Graph, inv inventory.Inventory) *diff.World {
	return c.mirror.World(ctx, c.question.of(want, inv))
}

// question keeps what was asked last: of the same graph and inventory, which are never changed but replaced, the question is
// the same. Lists that are the same lists spare the mirror a comparison, and a host the lists.
type question struct {
	mu    sync.Mutex
	want  *schema.Graph
	inv   inventory.Inventory
	hosts mirror.Hosts
}

func (q *question) of(want *schema.Graph, inv inventory.Inventory) mirror.Hosts {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.want == want && reflect.ValueOf(q.inv).Pointer() == reflect.ValueOf(inv).Pointer() {
		return q.hosts
	}
	hosts := mirror.Hosts{}
	for key, list := range targets(want, inv) {
		if hosts[key.host] == nil {
			hosts[key.host] = map[string]actuators.Scope{}
		}
		hosts[key.host][key.kind] = actuators.Scope{All: true, Targets: list}
	}
	q.want, q.inv, q.hosts = want, inv, hosts
	return hosts
}

// newMirror wires what keeps the looks.
func (c *Controller) newMirror() *mirror.Mirror {
	return mirror.New(mirror.Options{
		Kinds: c.kinds, Look: c.look, Stamps: c.stamps, Resync: time.Duration(c.cfg.Drift.Interval), Now: c.now,
		Note: func(look *diff.Look) { c.looks.note(lookKey{look.Host, look.Kind}, look.At, look.Hidden()) },
	})
}

// stamps asks one host what did not change. An answer that does not come is no news: a look follows.
func (c *Controller) stamps(ctx context.Context, host string, scopes map[string]actuators.Scope) (map[string]string, error) {
	executor, err := c.hosts.Get(ctx, host)
	if err != nil {
		return nil, err
	}
	return executor.Stamps(ctx, scopes)
}

// look asks one host about one kind.
func (c *Controller) look(ctx context.Context, host, kind string, scope actuators.Scope) *diff.Look {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	key := lookKey{host, kind}
	look := &diff.Look{Host: host, Kind: kind, All: scope.All, At: c.now()}
	var err error
	look.Found, err = c.observe(ctx, key, scope)
	if err != nil {
		look.Err = err.Error()
	}
	c.looks.note(key, look.At, cmp.Or(look.Err, look.Hidden()))
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

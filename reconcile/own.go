package reconcile

import (
	"context"
	"net"
	"net/netip"
	"path"
	"strings"
	"sync"
	"time"

	"plumbline/reconcile/inventory"
	"plumbline/reconcile/plan"
	"plumbline/schema"
	"plumbline/sources/forge"
	"plumbline/sources/git"
)

// own is what a controller knows of what it stands on: its host, the names that its repository and forge are reached by, what these lead
// to, and its own addresses. What says so itself, or is named in the controller's file, comes on top.
type own struct {
	host     schema.ID
	patterns []string
	names    []string // in lower case
	look     func(ctx context.Context, name string) ([]netip.Addr, error)

	found *addresses
}

// addresses are those that were found last.
type addresses struct {
	mu  sync.Mutex
	at  time.Time
	all map[string]bool
}

const (
	lookPatience = 2 * time.Second
	lookAgain    = time.Minute
)

func newOwn(cfg Config) own {
	o := own{patterns: cfg.Self, found: &addresses{}, look: func(ctx context.Context, name string) ([]netip.Addr, error) {
		return net.DefaultResolver.LookupNetIP(ctx, "ip", name)
	}}
	if cfg.Local != "" {
		o.host = schema.MakeID("host", cfg.Local)
	}
	hosts := []string{git.Host(cfg.Repository)}
	if cfg.Forge != nil {
		if p, err := forge.ParseProject(cfg.Forge.Kind, cfg.Forge.Project); err == nil {
			hosts = append(hosts, git.Host(p.Base+"/"))
		}
	}
	for _, host := range hosts {
		if host != "" {
			o.names = append(o.names, strings.ToLower(host))
		}
	}
	return o
}

// marks tells of each change whether the controller stands on what it changes.
func (o own) marks(ctx context.Context, graph *schema.Graph, inv inventory.Inventory) func(*plan.Change) bool {
	at := o.addresses(ctx)
	return func(c *plan.Change) bool {
		return o.named(c.Instance.ID) || said(graph, inv, c) || holds(at, c.Provides) || holds(at, c.Released)
	}
}

// said tells whether the declaration says so, or the one that was applied last: taking the mark off is itself such a change.
func said(graph *schema.Graph, inv inventory.Inventory, c *plan.Change) bool {
	node, entry := graph.Node(c.Instance), inv[c.Instance]
	if c.Was != "" && entry == nil {
		entry = inv[c.Was.On(c.Instance.Host)]
	}
	return node != nil && node.Object.Meta.Self || entry != nil && entry.Self
}

func (o own) named(id schema.ID) bool {
	if id == o.host {
		return true
	}
	for _, name := range o.names {
		if strings.EqualFold(id.Name(), name) {
			return true
		}
	}
	for _, pattern := range o.patterns {
		if ok, _ := path.Match(pattern, string(id)); ok {
			return true
		}
	}
	return false
}

// holds tells whether one of the addresses is among the facts that somebody alone provides. What many provide together, such as a public
// address by its mappings, says nothing about each of them.
func holds(at map[string]bool, uses []schema.Use) bool {
	for _, use := range uses {
		if use.Exclusive && use.Fact.Type == "addr" && at[use.Fact.Value] {
			return true
		}
	}
	return false
}

// addresses are those of this machine, and what the names lead to. What cannot be found out now counts as it was found last.
func (o own) addresses(ctx context.Context) map[string]bool {
	f := o.found
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.all != nil && time.Since(f.at) < lookAgain {
		return f.all
	}
	all := map[string]bool{}
	add := func(a netip.Addr) {
		if a = a.Unmap().WithZone(""); a.IsValid() && !a.IsLoopback() && !a.IsLinkLocalUnicast() {
			all[a.String()] = true
		}
	}
	for _, name := range o.names {
		if a, err := netip.ParseAddr(name); err == nil {
			add(a)
			continue
		}
		ctx, cancel := context.WithTimeout(ctx, lookPatience)
		found, err := o.look(ctx, name)
		cancel()
		for _, a := range found {
			add(a)
		}
		if err != nil {
			for a := range f.all {
				all[a] = true
			}
		}
	}
	local, _ := net.InterfaceAddrs() // without them less is known
	for _, a := range local {
		if prefix, err := netip.ParsePrefix(a.String()); err == nil {
			add(prefix.Addr())
		}
	}
	f.all, f.at = all, time.Now()
	return all
}

package reconcile

import (
	"context"
	"sync"

	"plumbline/actuators"
	"plumbline/reconcile/diff"
)

// Surveyed is a host to be looked at without a topology. SSH is how ssh calls it, if not by its name. Targets are what to look at
// that no search finds, by kind.
type Surveyed struct {
	Host, SSH string
	Targets   map[string][]actuators.Target
}

// Survey looks at everything of every kind on hosts, declared or not, and searches for what nobody declared. It changes nothing and
// needs neither source nor store. The looks are in the order of the hosts, then of the kinds; one that failed is told as such.
func (c *Controller) Survey(ctx context.Context, hosts []Surveyed) []*diff.Look {
	names := c.kinds.Names()
	looks := make([]*diff.Look, len(hosts)*len(names))
	var wait sync.WaitGroup
	for i, h := range hosts {
		c.hosts.Name(h.Host, h.SSH)
		for k, name := range names {
			wait.Go(func() {
				looks[i*len(names)+k] = c.look(ctx, h.Host, name, actuators.Scope{All: true, Discover: true, Targets: h.Targets[name]})
			})
		}
	}
	wait.Wait()
	return looks
}

package run_test

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"plumbline/actuators"
	"plumbline/reconcile/exec"
	"plumbline/reconcile/journal"
	"plumbline/reconcile/run"
)

// counted is a slow datacenter that counts the hosts on which something is done at the same time.
type counted struct {
	slow
	mu    *sync.Mutex
	doing map[string]int
	most  *int
}

func (c counted) Get(context.Context, string) (exec.Executor, error)   { return c, nil }
func (c counted) Fresh(context.Context, string) (exec.Executor, error) { return c, nil }

func (c counted) Do(ctx context.Context, call exec.Call) error {
	host := call.Instance.Host
	c.mu.Lock()
	c.doing[host]++
	*c.most = max(*c.most, len(c.doing))
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.doing[host]--; c.doing[host] == 0 {
			delete(c.doing, host)
		}
	}()
	return c.slow.Do(ctx, call)
}

func (c counted) Observe(ctx context.Context, kind string, sc actuators.Scope) ([]actuators.Observed, error) {
	return c.slow.Observe(ctx, kind, sc)
}

// A plan over many hosts, with lanes over several of them, comes to its end with any limit, and makes use of it.
func TestNoMoreHostsAreChangedAtOnceThanTheLimit(t *testing.T) {
	for _, limit := range []int{1, 3, 0} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			store, err := journal.Open(filepath.Join(memory(t), "state.db"), journal.Options{})
			must(t, err)
			defer store.Close()
			synctest.Test(t, func(t *testing.T) {
				world := counted{slow{newIdle()}, &sync.Mutex{}, map[string]int{}, new(int)}
				begun := time.Now()
				res, err := run.Run(t.Context(), run.Input{Plan: estate("p1", 300), Store: store, Hosts: world, Kinds: world.kinds, PerHost: 4, HostsAtOnce: limit})
				must(t, err)
				if res.Verdict != run.Applied || limit > 0 && *world.most != limit || limit == 0 && *world.most <= 3 {
					t.Errorf("%s on %d hosts at once, the limit is %d", res.Verdict, *world.most, limit)
				}
				t.Logf("%s, on %d hosts at once", time.Since(begun), *world.most)
			})
		})
	}
}

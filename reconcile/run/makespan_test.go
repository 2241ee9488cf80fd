package run_test

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"plumbline/actuators"
	"plumbline/reconcile/exec"
	"plumbline/reconcile/journal"
	"plumbline/reconcile/plan"
	"plumbline/reconcile/run"
)

// slow is a datacenter whose verbs take time: a Do between 20 and 220 ms, by the name of its step.
type slow struct{ *idle }

const (
	lookTakes    = 2 * time.Millisecond
	askTakes     = time.Millisecond
	captureTakes = 3 * time.Millisecond
)

func doTakes(step string) time.Duration {
	hash := fnv.New32a()
	hash.Write([]byte(step))
	return time.Duration(20+hash.Sum32()%200) * time.Millisecond
}

func (s slow) Get(context.Context, string) (exec.Executor, error)   { return s, nil }
func (s slow) Fresh(context.Context, string) (exec.Executor, error) { return s, nil }

func (s slow) Observe(ctx context.Context, kind string, sc actuators.Scope) ([]actuators.Observed, error) {
	time.Sleep(lookTakes)
	return s.idle.Observe(ctx, kind, sc)
}

func (s slow) Preflight(context.Context, exec.Call) error { time.Sleep(askTakes); return nil }

func (s slow) Capture(ctx context.Context, c exec.Call) (json.RawMessage, error) {
	time.Sleep(captureTakes)
	return s.idle.Capture(ctx, c)
}

func (s slow) Do(ctx context.Context, c exec.Call) error {
	time.Sleep(doTakes(c.Step))
	return s.idle.Do(ctx, c)
}

// Many asks all at once, as a host does.
func (s slow) Many(ctx context.Context, verb exec.Verb, calls []exec.Call) ([]exec.Answer, error) {
	time.Sleep(askTakes)
	return exec.Each(ctx, s.idle, verb, calls), nil
}

// critical is the longest chain of the lanes of a plan, and how long the busiest host works with so many verbs at a time.
func critical(p *plan.Plan, perHost int) (longest, busiest time.Duration) {
	const around = lookTakes + askTakes + captureTakes + lookTakes
	ends, work := map[int]time.Duration{}, map[string]time.Duration{}
	for _, l := range p.Lanes {
		for _, need := range l.Needs {
			ends[l.ID] = max(ends[l.ID], ends[need])
		}
		for _, step := range p.Steps {
			if step.Lane == l.ID { // a chain: each needs the one before
				ends[l.ID] += around + doTakes(step.ID)
				work[step.Host] += captureTakes + doTakes(step.ID) + lookTakes
			}
		}
		longest = max(longest, ends[l.ID])
	}
	for _, all := range work {
		busiest = max(busiest, all/time.Duration(perHost))
	}
	return longest, busiest
}

// TestARunTakesNoLongerThanItsLongestChain runs on a clock of its own: what it measures is the order, and nothing else.
// Where hosts bound what runs at once, no host is idle that has something to do: the longest chain and the work of the
// busiest host together are never exceeded (Graham, Bounds on Multiprocessing Timing Anomalies, 1969).
func TestARunTakesNoLongerThanItsLongestChain(t *testing.T) {
	for _, perHost := range []int{1000, 4} {
		t.Run(fmt.Sprint(perHost), func(t *testing.T) {
			store, err := journal.Open(filepath.Join(memory(t), "state.db"), journal.Options{})
			must(t, err)
			defer store.Close()
			p := estate("p1", 1200)
			longest, busiest := critical(p, perHost)
			limit := longest * 105 / 100
			if busiest > longest {
				limit = longest + busiest
			}
			synctest.Test(t, func(t *testing.T) {
				world := slow{newIdle()}
				begun := time.Now()
				res, err := run.Run(t.Context(), run.Input{Plan: p, Store: store, Hosts: world, Kinds: world.kinds, PerHost: perHost})
				must(t, err)
				took := time.Since(begun)
				if res.Verdict != run.Applied || took > limit {
					t.Errorf("%s in %s, more than %s", res.Verdict, took, limit)
				}
				t.Logf("%s; the longest chain takes %s, the busiest host %s", took, longest, busiest)
			})
		})
	}
}

package nat

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"

	"plumbline/actuators"
	"plumbline/actuators/internal/kindtest"
	"plumbline/actuators/internal/nft/nfttest"
	"plumbline/reconcile/exec"
	"plumbline/reconcile/inventory"
	"plumbline/reconcile/journal"
	"plumbline/reconcile/plan"
	"plumbline/reconcile/run"
)

// Fresh is the same connection: in process every one is.
func (o solo) Fresh(context.Context, string) (exec.Executor, error) { return o.Executor, nil }

// BenchmarkSteps10k applies a plan of ten thousand new objects, each with one port, to an empty edge: looked at, captured,
// journaled, done, seen, confirmed by the thousand, journaled.
func BenchmarkSteps10k(b *testing.B) {
	defer kindtest.CPU(b)()
	kinds := actuators.NewRegistry(Kind)
	for b.Loop() {
		b.StopTimer()
		nfttest.Edge(b)
		dir := b.TempDir()
		store, err := journal.Open(filepath.Join(dir, "state.db"), journal.Options{})
		if err != nil {
			b.Fatal(err)
		}
		host := exec.NewMachine("edge1", exec.Dirs{State: filepath.Join(dir, "host")})
		p := creation(b)
		b.StartTimer()
		res, err := run.Run(b.Context(), run.Input{Store: store, Hosts: solo{exec.Local(kinds, host, exec.Options{})}, Kinds: kinds, Plan: p})
		b.StopTimer()
		if err != nil || res.Verdict != run.Applied {
			b.Fatal(err, res.Verdict, res.Lanes[0].Err)
		}
		if err := store.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}

// creation is the plan of many objects that are not there, each in a lane of its own.
func creation(b *testing.B) *plan.Plan {
	b.Helper()
	p := &plan.Plan{ID: "p", Commit: "c"}
	for n := range many {
		id, s := mapping(n, "10.1.1.12")
		i, spec := id.On("edge1"), jsonOf(b, s)
		d, err := Kind.Diff(spec, actuators.HaveJSON{})
		if err != nil {
			b.Fatal(err)
		}
		steps, err := Kind.Steps(actuators.Subject{Instance: i, Mark: markOf(id)}, d, spec, actuators.HaveJSON{})
		if err != nil {
			b.Fatal(err)
		}
		steps[0].ID, steps[0].Lane, steps[0].Share = fmt.Sprintf("%s#1", i), n+1, []string{"nft/edge1"}
		p.Steps = append(p.Steps, steps[0])
		p.Changes = append(p.Changes, &plan.Change{Instance: i, Lane: n + 1, Action: d.Action, Want: spec, Entry: &inventory.Entry{Instance: i, Spec: spec}})
		p.Lanes = append(p.Lanes, plan.Lane{ID: n + 1, EffectDigest: fmt.Sprint("sha256:", n)})
	}
	return p
}

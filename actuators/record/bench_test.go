package record

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"testing"

	"plumbline/actuators"
	"plumbline/actuators/internal/dns/dnstest"
	"plumbline/reconcile/exec"
	"plumbline/reconcile/inventory"
	"plumbline/reconcile/journal"
	"plumbline/reconcile/plan"
	"plumbline/reconcile/run"
	"plumbline/schema"
)

// names is a zone's worth of records on a real server.
type names struct {
	tb     testing.TB
	server *dnstest.Server
	n      int
}

func (z names) id(n int) schema.ID {
	return schema.MakeID("record", fmt.Sprintf("host-%05d.%s", n, dnstest.Zone))
}

func (z names) spec(round, n int) Spec {
	return Spec{Zone: dnstest.Zone, A: []string{fmt.Sprintf("10.%d.%d.%d", round%250, n/250, n%250)}, TTL: 1, Resolved: Resolved{Server: z.server.Server}}
}

// plan changes every address, as the kind sees the zone now.
func (z names) plan(round int) *plan.Plan {
	p := &plan.Plan{ID: fmt.Sprint("p", round), Commit: "c", Lanes: []plan.Lane{{ID: 1, EffectDigest: "sha256:1"}}}
	var targets []actuators.Target
	for n := range z.n {
		targets = append(targets, actuators.Target{ID: z.id(n), Spec: z.json(z.spec(round, n))})
	}
	found, err := Kind.Observe(context.Background(), z.server.Host, actuators.Scope{Targets: targets})
	z.must(err)
	have := map[schema.ID]actuators.Observed{}
	for _, f := range found {
		have[f.ID] = f
	}
	for n, target := range targets {
		i := z.id(n).On("ns1")
		now := actuators.HaveJSON{Here: have[i.ID].State, Mark: have[i.ID].Mark, Owned: have[i.ID].Mark != nil}
		d, err := Kind.Diff(target.Spec, now)
		z.must(err)
		if d.Action == actuators.None {
			continue
		}
		steps, err := Kind.Steps(actuators.Subject{Instance: i, Mark: actuators.Mark{Installation: "bench", ID: i.ID, Hash: "0123"}}, d, target.Spec, now)
		z.must(err)
		steps[0].ID, steps[0].Lane, steps[0].Share = fmt.Sprint("s", n), 1, []string{"zone/" + dnstest.Zone}
		p.Steps = append(p.Steps, steps[0])
		entry := &inventory.Entry{Instance: i, Spec: target.Spec}
		p.Changes = append(p.Changes, &plan.Change{Instance: i, Lane: 1, Action: d.Action, Want: target.Spec, Have: now, Entry: entry})
	}
	return p
}

func (z names) json(v any) json.RawMessage {
	data, err := json.Marshal(v)
	z.must(err)
	return data
}

func (z names) must(err error) {
	z.tb.Helper()
	if err != nil {
		z.tb.Fatal(err)
	}
}

// here is one host, in process.
type here struct{ exec.Executor }

func (h here) Get(context.Context, string) (exec.Executor, error)   { return h.Executor, nil }
func (h here) Fresh(context.Context, string) (exec.Executor, error) { return h.Executor, nil }
func (h here) Drop(string)                                          {}

// BenchmarkTenThousandRecords changes every record of a zone, one plan after the other: "do" is the op alone, prerequisites
// and marks with it; "run" is the whole run of a plan: look, capture, journal, update, look, journal.
func BenchmarkTenThousandRecords(b *testing.B) {
	for name, start := range map[string]func(testing.TB) *dnstest.Server{"knot": dnstest.Knot, "bind": dnstest.Bind} {
		b.Run(name, func(b *testing.B) {
			z := names{b, start(b), 10000}
			store, err := journal.Open(filepath.Join(b.TempDir(), "state.db"), journal.Options{})
			z.must(err)
			defer store.Close()
			reg := actuators.NewRegistry(Kind)
			in := run.Input{Store: store, Hosts: here{exec.Local(reg, z.server.Host, exec.Options{})}, Kinds: reg}
			round := 0
			apply := func(b *testing.B) {
				round++
				in.Plan = z.plan(round)
				b.StartTimer()
				res, err := run.Run(context.Background(), in)
				b.StopTimer()
				z.must(err)
				if res.Verdict != run.Applied {
					b.Fatalf("%s: %s", res.Verdict, res.Lanes[0].Err)
				}
			}
			b.StopTimer()
			apply(b)
			b.Run("run", func(b *testing.B) {
				for b.Loop() {
					b.StopTimer()
					apply(b)
					b.StartTimer()
				}
			})
			b.Run("do", func(b *testing.B) {
				for b.Loop() {
					b.StopTimer()
					round++
					z.do(b, z.plan(round))
					b.StartTimer()
				}
			})
		})
	}
}

func (z names) do(b *testing.B, p *plan.Plan) {
	op, _ := Kind.Op("set")
	params := make([]json.RawMessage, len(p.Steps))
	for n, step := range p.Steps {
		params[n] = step.Params
	}
	before, errs := op.Many.Capture(context.Background(), z.server.Host, params)
	for _, err := range errs {
		z.must(err)
	}
	b.StartTimer()
	errs = op.Many.Do(context.Background(), z.server.Host, params, before)
	b.StopTimer()
	for _, err := range errs {
		z.must(err)
	}
}

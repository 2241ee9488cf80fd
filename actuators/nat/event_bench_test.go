package nat

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"plumbline/actuators"
	"plumbline/actuators/internal/kindtest"
	"plumbline/actuators/internal/nft"
	compare "plumbline/reconcile/diff"
	"plumbline/reconcile/drift"
	"plumbline/reconcile/exec"
	"plumbline/reconcile/inventory"
	"plumbline/reconcile/mirror"
	"plumbline/reconcile/notify"
	"plumbline/schema"
)

// solo is a pool of one host.
type solo struct{ exec.Executor }

func (o solo) Get(context.Context, string) (exec.Executor, error) { return o.Executor, nil }
func (o solo) Drop(string)                                        {}

// look asks it.
func (o solo) look(ctx context.Context, host, kind string, sc actuators.Scope) *compare.Look {
	look := &compare.Look{Host: host, Kind: kind, All: sc.All, At: time.Now()}
	var err error
	if look.Found, err = o.Observe(ctx, kind, sc); err != nil {
		look.Err = err.Error()
	}
	return look
}

// BenchmarkEventToSink is the way of a kernel's event to the call of the sinks: among ten thousand mappings of one table, one is
// given another target over netlink, and after the notice its own again. Median and 99th percentile count from before the change,
// so that the kernel's commit is part of it.
func BenchmarkEventToSink(b *testing.B) {
	host, _ := crowd(b, "10.1.1.12")
	kinds := actuators.NewRegistry(Kind)
	executor := solo{exec.Local(kinds, host, exec.Options{})}
	inv := inventory.Inventory{}
	for i := range many {
		id, s := mapping(i, "10.1.1.12")
		spec := jsonOf(b, s)
		inv[id.On("edge1")] = &inventory.Entry{Instance: id.On("edge1"), Spec: spec, Hash: schema.Hash(spec)}
	}
	m := mirror.New(mirror.Options{
		Kinds: kinds, Look: executor.look, Resync: time.Hour, Now: time.Now,
		Stamps: func(ctx context.Context, _ string, scopes map[string]actuators.Scope) (map[string]string, error) {
			return executor.Stamps(ctx, scopes)
		},
	})
	told := make(chan notify.Notice, 10)
	engine := drift.New(drift.Options{
		Kinds: kinds, Hosts: executor, View: m, Installation: kindtest.Installation, Interval: time.Hour, Now: time.Now, Log: zerolog.Nop(),
		Inventory: func() (inventory.Inventory, error) { return inv, nil }, Tell: notify.To(func(n notify.Notice) { told <- n }),
	})
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error)
	go func() { ended <- engine.Run(ctx) }()
	defer func() { cancel(); <-ended }()
	set := func(to string) {
		id, s := mapping(77, to)
		if err := (nft.Claim{Mark: markOf(id), Want: s.elements()}).Do(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	for heard := false; !heard; { // the watch stands, and the first looks are over
		set("10.1.1.13")
		select {
		case n := <-told:
			heard = n.Status == notify.Firing
		case <-time.After(time.Second):
			set("10.1.1.12")
		}
	}
	set("10.1.1.12")
	<-told
	var took []time.Duration
	for b.Loop() {
		begun := time.Now()
		set("10.1.1.13")
		<-told
		took = append(took, time.Since(begun))
		set("10.1.1.12")
		<-told
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
	b.ReportMetric(0, "ns/op")
}

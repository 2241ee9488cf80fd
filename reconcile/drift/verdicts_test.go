package drift_test

import (
	"context"
	"sync/atomic"
	"testing"

	"plumbline/actuators"
	"plumbline/reconcile/drift"
)

func TestWhatAnEarlierEngineComparedIsNotComparedAnew(t *testing.T) {
	r := newRig(t, "evented/a@h1 evented/b@h1 evented/c@h2")
	var compared atomic.Int64
	r.options.Kinds = actuators.NewRegistry(kind("evented", func(d *actuators.Def[spec, state]) {
		diff := d.Diff
		d.Diff = func(want *spec, have actuators.Have[state]) actuators.Diff {
			compared.Add(1)
			return diff(want, have)
		}
	}))
	r.options.Verdicts = drift.NewVerdicts()
	sweep := func(incidents int, comparisons int64) {
		t.Helper()
		before := compared.Load()
		found := drift.New(r.options).Sweep(context.Background())
		if n := compared.Load() - before; len(found) != incidents || n != comparisons {
			t.Errorf("%d comparisons, found %+v", n, found)
		}
	}
	sweep(0, 3)
	sweep(0, 0)
	r.set("evented/a@h1", "2")
	sweep(1, 1)
	sweep(1, 0) // a new engine has to find it, too
	r.set("evented/a@h1", "1")
	sweep(0, 1)
	r.apply("evented/c@h2", "7", r.options.Now())
	sweep(0, 1)
}

package reconcile

import (
	"testing"
	"time"

	"plumbline/actuators"
	"plumbline/reconcile/journal"
	"plumbline/reconcile/plan"
	"plumbline/schema"
)

// A stop is felt from its beginning until the start behind it is seen; what is felt by nobody, or was never done, is not told.
func TestWhatUsersFeltIsMeasuredFromDownToUp(t *testing.T) {
	at := func(ms int) time.Time { return time.Unix(1_790_000_000, 0).Add(time.Duration(ms) * time.Millisecond) }
	payroll, quiet, failed := schema.ID("vm/payroll").On("jino0"), schema.ID("vm/quiet").On("jino0"), schema.ID("vm/failed").On("jino0")
	p := &plan.Plan{}
	var records []journal.Record
	step := func(i schema.Instance, id, disruptive string, begun, done int) {
		s := actuators.Step{ID: id, Instance: i, Disruptive: disruptive}
		p.Steps = append(p.Steps, s)
		for _, change := range p.Changes {
			if change.Instance == i {
				change.Steps = append(change.Steps, s)
				i = schema.Instance{}
			}
		}
		if i != (schema.Instance{}) {
			p.Changes = append(p.Changes, &plan.Change{Instance: i, Want: []byte(`{}`), Steps: []actuators.Step{s}})
		}
		records = append(records, journal.Record{Step: id, State: journal.Begun, At: at(begun)})
		if done > 0 {
			records = append(records, journal.Record{Step: id, State: journal.Done, At: at(done)})
		}
	}
	step(payroll, "p#1", "", 0, 50)
	step(payroll, "p#2", "restart", 100, 300)
	step(payroll, "p#3", "", 310, 800)
	step(quiet, "q#1", "", 0, 5000)
	step(failed, "f#1", "restart", 0, 0)
	got := feltOf(p, records)
	if len(got) != 1 || got[0].String() != "vm/payroll restart: 0.7 s" {
		t.Errorf("%v", got)
	}
}

package sim_test

import (
	"strings"
	"testing"

	"plumbline/reconcile/run"
	"plumbline/testenv/sim"
)

func TestApplyThenNothingIsLeft(t *testing.T) {
	c := newCenter(t, sim.Options{})
	c.applied()
	for _, line := range []string{"vm/payroll@jino0", "nat/payroll@edge2", "record/payroll.mycompany.com@ns1"} {
		if !strings.Contains(c.picture(), line) {
			t.Errorf("%s is not there:\n%s", line, c.picture())
		}
	}
}

func TestARefusedStepRollsItsLaneBack(t *testing.T) {
	c := newCenter(t, sim.Options{})
	c.applied()
	before := c.picture()
	must(t, c.world.Fail("edge2", sim.Fault{Kind: "nat", How: sim.Refuse, Times: -1}))
	c.edit("payroll.cue", "ports: [80]", "ports: [80, 443]")
	c.edit("payroll.cue", `memory: {now: "128Mi"`, `memory: {now: "192Mi"`)
	result := c.apply()
	if result.Verdict == run.Applied || len(result.Residue) > 0 {
		t.Fatalf("%s %v", result.Verdict, result.Residue)
	}
	for _, lane := range result.Lanes {
		for _, o := range lane.Objects {
			if o.ID == "nat/payroll" && lane.Outcome != run.LaneRolledBack {
				t.Errorf("the lane of %s: %s", o, lane.Outcome)
			}
		}
	}
	if after := c.picture(); after != before {
		t.Errorf("before:\n%s\nafter:\n%s", before, after)
	}
}

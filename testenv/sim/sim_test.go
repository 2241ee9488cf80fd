package sim_test

import (
	"plumbline/actuators/all"
	"strings"
	"testing"
	"time"

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

func TestLostCallsAndRepliesConverge(t *testing.T) {
	c := newCenter(t, sim.Options{})
	for _, host := range []string{"jino0", "edge1", "edge2", "ns1"} {
		must(t, c.world.Fail(host, sim.Fault{How: sim.LoseReply, Times: 3}))
	}
	must(t, c.world.Fail("jino0", sim.Fault{Kind: "volume", How: sim.Stumble, Times: 2}))
	c.applied()
}

func TestSabotageIsSeenAndHealed(t *testing.T) {
	c := newCenter(t, sim.Options{})
	c.applied()
	before := c.picture()
	must(t, c.world.Sabotage(at("vm/payroll@jino0"), "power", "shut off"))
	must(t, c.world.Destroy(at("nat/payroll@edge1")))
	must(t, c.world.Destroy(at("site/boston")))
	p := c.plan()
	for _, i := range []string{"vm/payroll@jino0", "nat/payroll@edge1"} {
		if change := p.Change(at(i)); change == nil || len(change.Steps) == 0 {
			t.Errorf("%s is not to be mended:\n%s", i, text(p))
		}
	}
	c.applied()
	if after := c.picture(); after != before {
		t.Errorf("before:\n%s\nafter:\n%s", before, after)
	}
}

func TestADeadHostIsUnknownAndNothingIsPruned(t *testing.T) {
	c := newCenter(t, sim.Options{})
	c.applied()
	before := c.picture()
	must(t, c.world.Kill("ns1"))
	c.edit("payroll.cue", `	record: "payroll.mycompany.com"`, `	//`)
	p := c.plan()
	if !p.Empty() {
		t.Errorf("there is to do:\n%s", text(p))
	}
	unknown := false
	for _, r := range p.Refusals {
		unknown = unknown || r.Instance == at("record/payroll.mycompany.com@ns1") && r.Class == "unknown"
	}
	if !unknown {
		t.Errorf("the record is not unknown:\n%s", text(p))
	}
	if after := c.picture(); after != before {
		t.Errorf("before:\n%s\nafter:\n%s", before, after)
	}
	must(t, c.world.Revive("ns1"))
	for deadline := time.Now().Add(30 * time.Second); ; { // a failed dial is remembered for a moment
		p := c.plan()
		if len(p.Steps) == 1 && p.Steps[0].Op == "remove" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the record is not to be removed:\n%s", text(p))
		}
	}
}

func TestWhatIsForeignIsRefusedAndTheRestGoesOn(t *testing.T) {
	c := newCenter(t, sim.Options{})
	must(t, c.world.Put(at("vm/payroll@jino0"), `{"config":{"power":"running"},"status":{}}`, nil))
	before, err := c.world.Thing(at("vm/payroll@jino0"))
	must(t, err)
	result := c.apply()
	after, err := c.world.Thing(at("vm/payroll@jino0"))
	must(t, err)
	if string(before.State) != string(after.State) || after.Mark != nil {
		t.Errorf("before %s, after %s", before.State, after.State)
	}
	if result.Verdict == run.NotRun || !strings.Contains(c.picture(), "pool/vmdisks@jino0") {
		t.Errorf("%s: %s", result.Verdict, c.picture())
	}
}

func TestRemovedIsSetAsideAndRestored(t *testing.T) {
	c := newCenter(t, sim.Options{})
	c.applied()
	before := c.picture()
	for _, line := range []string{"volume:", "nat:", "record:"} {
		c.edit("payroll.cue", "\t"+line, "\t_gone: "+line)
	}
	c.edit("payroll.cue", "\tvm: payroll", "\t_gone: vm: payroll")
	c.applied()
	for _, id := range []string{"vm/", "volume/", "nat/", "record/"} {
		if strings.Contains(c.picture(), id) {
			t.Errorf("%s is still there", id)
		}
	}
	c.edit("payroll.cue", "_gone: ", "")
	p := c.plan()
	if change := p.Change(at("vm/payroll@jino0")); change == nil || change.Action.String() != "restore" {
		t.Errorf("the VM is not to be restored:\n%s", text(p))
	}
	c.applied()
	if after := c.picture(); after != before {
		t.Errorf("before:\n%s\nafter:\n%s", before, after)
	}
}

func TestChaosConverges(t *testing.T) {
	c := newCenter(t, sim.Options{Seed: 7, Chaos: 30})
	for try := 0; c.apply().Verdict != run.Applied; try++ {
		if try == 10 {
			t.Fatalf("there is still to do:\n%s", text(c.plan()))
		}
		for digest := range parked(t, c) {
			_, err := c.store.Unpark(digest)
			must(t, err)
		}
	}
	c.settled()
}

func parked(t *testing.T, c *center) map[string]bool {
	t.Helper()
	all, err := c.store.Parked()
	must(t, err)
	out := map[string]bool{}
	for digest := range all {
		out[digest] = true
	}
	return out
}

func TestSavedWorldIsTheSameWorld(t *testing.T) {
	c := newCenter(t, sim.Options{})
	c.applied()
	dir := t.TempDir()
	must(t, c.world.Save(dir))
	picture, err := sim.New(all.Registry(), sim.Options{Dir: dir}).Picture()
	must(t, err)
	if before := c.picture(); before != picture || before == "" {
		t.Errorf("saved:\n%s\nread:\n%s", before, picture)
	}
}
